import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Context } from 'mocha'
import { startNameServer } from '../support/name-server.ts'
import type { NameServer } from '../support/name-server.ts'
import { call, errorOf } from '../support/proxy/client.ts'
import { startProxyProcess } from '../support/proxy/process.ts'
import { PARTNER_HOST, STS_HOST, startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

/** Stands for the hosts file of a pod in programs that ask the operating system. */
const PYTHON_HOSTS = `
import asyncio, socket, ssl, sys, urllib.request
real = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: real("127.0.0.1" if host == "${PARTNER_HOST}" else host, *rest, **more)
url = sys.argv[1]
`
/** As aiohttp does it: reads no variable but the trust store's. */
const PYTHON_STREAMS = `${PYTHON_HOSTS}
async def main():
    host, port = url.split("/")[2].split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=ssl.create_default_context())
    writer.write(f"GET /orders HTTP/1.1\\r\\nHost: {host}:{port}\\r\\nConnection: close\\r\\n\\r\\n".encode())
    print((await reader.readline()).split()[1].decode(), end="")
asyncio.run(main())
`

/** A program that knows no proxy, the URL its last argument; it prints the status of the answer. */
interface Client {
  readonly name: string
  readonly command: string
  readonly arguments: readonly string[]
}

const CURL = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--connect-to', `${PARTNER_HOST}::127.0.0.1:`]
const CLIENTS: readonly Client[] = [
  { name: 'curl', command: 'curl', arguments: CURL },
  {
    name: 'Python urllib',
    command: 'python3',
    arguments: ['-c', `${PYTHON_HOSTS}print(urllib.request.urlopen(url, timeout=20).status, end="")`],
  },
  { name: 'Python asyncio', command: 'python3', arguments: ['-c', PYTHON_STREAMS] },
  {
    name: 'Node fetch',
    command: process.execPath,
    arguments: [
      ...['--import', './test/support/resolve.mjs', '-e'],
      'fetch(process.argv[1]).then(({ status }) => process.stdout.write(String(status)))',
    ],
  },
]

/** An address of this machine that is not its loopback: where a partner can be while the proxy listens on the same port. */
function outsideAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  return addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}

/** Whether this user may listen there, and nobody does. */
function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

describe('steering in the shipped proxy', () => {
  let stack: Stack
  let names: NameServer
  let directory = ''
  let hasPort80: boolean

  before(async function () {
    const partnerAddress = outsideAddress()
    // With nothing but a loopback, partner and proxy cannot have the same port.
    if (partnerAddress === undefined) this.skip()
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-steering-'))
    for (const name of ['trust', 'authority']) mkdirSync(join(directory, name))
    names = await startNameServer({
      [PARTNER_HOST]: { a: [partnerAddress], aaaa: 'silence' },
      [STS_HOST]: { a: ['127.0.0.1'] },
    })
    hasPort80 = await isFree(80)
    stack = await startStack({
      route: { https: 'intercept' },
      steered: { partnerAddress, nameServer: names.address, ports: hasPort80 ? [80] : [] },
      environment: { TRUST_DIR: join(directory, 'trust'), AUTHORITY_DIR: join(directory, 'authority') },
    })
  })
  after(async () => {
    if (directory === '') return
    await Promise.all([stack.close(), names.close()])
    rmSync(directory, { recursive: true })
  })

  const url = (): string => `https://${PARTNER_HOST}:${stack.partner.port}/orders`
  const run = (command: string, args: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const bundle = join(directory, 'trust', 'bundle.crt')
      const env = {
        PATH: process.env['PATH'],
        RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1`,
        NODE_EXTRA_CA_CERTS: join(directory, 'trust', 'ca.crt'),
        SSL_CERT_FILE: bundle,
        CURL_CA_BUNDLE: bundle,
      }
      execFile(command, args, { env, timeout: 30_000 }, (error, stdout, stderr) =>
        error ? reject(new Error(stderr)) : resolve(stdout),
      )
    })
  function require(context: Context, { name, command }: Client): void {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' })
    } catch {
      context.test!.title += ` (${name} is not installed)`
      context.skip()
    }
  }
  const served = async (client: Client, address: string): Promise<void> => {
    const verified = stack.partner.verified()
    expect(await run(client.command, [...client.arguments, address])).to.equal('200')
    expect(stack.partner.verified()).to.equal(verified + 1)
    expect(stack.partner.unverified()).to.equal(0)
  }

  for (const client of CLIENTS)
    it(`gives ${client.name} a token for its https:// URL, with no variable but the trust store's`, async function () {
      require(this, client)
      await served(client, url())
    }).timeout(40_000)

  it('gives curl a token for an http:// URL, on port 80', async function () {
    // It is taken, or this user may not open it.
    if (!hasPort80) this.skip()
    const [curl] = CLIENTS as readonly [Client]
    require(this, curl)
    await served(curl, `http://${PARTNER_HOST}/orders`)
  }).timeout(40_000)

  it('asks the name server for the partner and for AWS, whatever getaddrinfo would say', () => {
    expect(names.questions).to.include(`${PARTNER_HOST} A`).and.include(`${STS_HOST} A`)
  })

  it('tells curl that a name has no route, and counts it', async function () {
    const [curl] = CLIENTS as readonly [Client]
    require(this, curl)
    const { port } = stack.partner
    const other = ['-sS', '--connect-to', `other.example:${port}:127.0.0.1:${port}`, `https://other.example:${port}/`]
    const refused = await run('curl', other).catch(String)
    expect(refused).to.match(/unrecognized name/i)
    expect(await stack.metric('outbound_jwt_steered_connections_total{result="unrecognized_name"}')).to.equal(1)
  }).timeout(40_000)

  it('never calls its steered port, whoever asks for that', async () => {
    const answer = await call(stack.proxyPort, `http://127.0.0.1:${stack.partner.port}/`)
    expect([answer.status, errorOf(answer).code]).to.deep.equal([403, 'address_denied'])
  })

  it('exits 64 where another program has the port, and says what to do about it', async () => {
    const second = startProxyProcess({
      ROUTES: JSON.stringify([{ hosts: [`${PARTNER_HOST}:${stack.partner.port}`], https: 'intercept' }]),
      STEERED_PORTS: String(stack.partner.port),
      TRUST_DIR: join(directory, 'trust'),
      AUTHORITY_DIR: join(directory, 'authority'),
    })
    expect(await second.exited).to.deep.equal({ status: 64, signal: null })
    const lines = second
      .output()
      .split('\n')
      .filter((line) => line.includes('STEERED_PORTS'))
    expect(lines).to.have.length(1)
    expect(lines[0]).to.include(`got "${stack.partner.port}"`).and.include('containerPort')
  }).timeout(40_000)

  it('is there again after a kill, for clients that trust the anchor of before', async function () {
    const [curl] = CLIENTS as readonly [Client]
    require(this, curl)
    stack.proxy().signal('SIGKILL')
    await stack.proxy().exited
    await stack.restart()
    await served(curl, url())
  }).timeout(40_000)

  it('finishes what is under way when it is told to stop, and listens no more', async function () {
    const [curl] = CLIENTS as readonly [Client]
    require(this, curl)
    let release: (() => void) | undefined
    stack.partner.behave((_, response) => (release = () => response.end()))
    const verified = stack.partner.verified()
    const running = run(curl.command, [...curl.arguments, url()])
    await until('the request is with the partner', () => stack.partner.verified() > verified)
    stack.proxy().signal('SIGTERM')
    await stack.proxy().logged('draining')
    release?.()
    expect(await running).to.equal('200')
    expect(await stack.proxy().exited).to.include({ status: 0 })
    expect(await run(curl.command, [...curl.arguments, url()]).catch(String)).to.match(/connect/i)
  }).timeout(40_000)
})
