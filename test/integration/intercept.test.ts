import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Context } from 'mocha'
import { createTestAuthority } from '../support/certificates.ts'
import { PARTNER_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'

/** A program as an author of an application writes it, the URL its last argument; it prints the status of the answer. */
interface Client {
  readonly name: string
  readonly command: string
  readonly arguments: readonly string[]
  /** Fails where the client, or a library of it, is not installed. */
  readonly check: readonly string[]
}

const CLIENTS: readonly Client[] = [
  ...['--http1.1', '--http2'].map((version) => ({
    name: `curl ${version}`,
    command: 'curl',
    arguments: [version, '-sS', '-o', '/dev/null', '-w', '%{http_code}'],
    check: [version, '--version'],
  })),
  {
    name: 'Python urllib',
    command: 'python3',
    arguments: [
      '-c',
      'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).status, end="")',
    ],
    check: ['--version'],
  },
  {
    name: 'Python requests',
    command: 'python3',
    arguments: ['-c', 'import sys, requests; print(requests.get(sys.argv[1], timeout=20).status_code, end="")'],
    check: ['-c', 'import requests'],
  },
  {
    name: 'Node fetch',
    command: process.execPath,
    arguments: ['-e', 'fetch(process.argv[1]).then(({ status }) => process.stdout.write(String(status)))'],
    check: ['--version'],
  },
]

describe('https: intercept in the shipped proxy', () => {
  let stack: Stack
  let directory: string
  let trust: string
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-intercept-'))
    trust = join(directory, 'trust')
    for (const name of ['trust', 'authority']) mkdirSync(join(directory, name))
    stack = await startStack({
      route: { https: 'intercept' },
      environment: { TRUST_DIR: trust, AUTHORITY_DIR: join(directory, 'authority') },
    })
  })
  after(async () => {
    await stack.close()
    rmSync(directory, { recursive: true })
  })

  /** The variables that injection gives an application. */
  const environment = (): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    HTTPS_PROXY: `http://127.0.0.1:${stack.proxyPort}`,
    https_proxy: `http://127.0.0.1:${stack.proxyPort}`,
    NODE_USE_ENV_PROXY: '1',
    NODE_EXTRA_CA_CERTS: join(trust, 'ca.crt'),
    ...Object.fromEntries(
      ['SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'].map((name) => [name, join(trust, 'bundle.crt')]),
    ),
  })
  const url = (): string => `https://${PARTNER_HOST}:${stack.partner.port}/orders`
  const run = (command: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(command, args, { env: environment(), timeout: 30_000 }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      )
    })

  function require(context: Context, { name, command, check }: Client): void {
    try {
      execFileSync(command, check, { stdio: 'ignore' })
    } catch {
      context.test!.title += ` (${name} is not installed)`
      context.skip()
    }
  }

  for (const client of CLIENTS)
    it(`gives ${client.name} a token for its https:// URL, unchanged`, async function () {
      require(this, client)
      const verified = stack.partner.verified()
      expect(await run(client.command, [...client.arguments, url()])).to.equal('200')
      expect(stack.partner.verified()).to.equal(verified + 1)
      expect(stack.partner.unverified()).to.equal(0)
    }).timeout(40_000)

  it('keeps the anchor when the sidecar is killed and its trust volume is lost', async function () {
    const client = CLIENTS[0]!
    require(this, client)
    const anchor = readFileSync(join(trust, 'ca.crt'), 'utf8')
    stack.proxy().signal('SIGKILL')
    await stack.proxy().exited
    for (const name of ['ca.crt', 'bundle.crt', 'bundle.jks']) rmSync(join(trust, name))
    await stack.restart()
    expect(readFileSync(join(trust, 'ca.crt'), 'utf8')).to.equal(anchor)
    expect(await run(client.command, [...client.arguments, url()])).to.equal('200')
  }).timeout(40_000)

  it('names a client that does not trust the authority, in the log and in a metric', async function () {
    const client = CLIENTS[0]!
    require(this, client)
    const other = join(directory, 'other.crt')
    writeFileSync(other, (await createTestAuthority('another authority')).ca)
    const refused = await run(client.command, ['--cacert', other, ...client.arguments, url()]).then(
      () => '',
      (error: unknown) => String(error),
    )
    expect(refused).to.contain('certificate')
    const route = `${PARTNER_HOST}:${stack.partner.port}`
    const line = await stack.proxy().logged('the application does not trust the certificate of this proxy')
    expect(line).to.include({ host: PARTNER_HOST, reason: 'unknown_ca' })
    expect(await stack.metric(`outbound_jwt_intercept_refused_total{route="${route}",reason="unknown_ca"}`)).to.equal(1)
  }).timeout(40_000)

  it('writes no token and no key into its log', () => {
    expect(stack.proxy().output()).not.to.match(/eyJ|PRIVATE KEY/)
  })
})
