import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Emulator } from '../aws-emulator/src/index.ts'
import { PROBE_COMMAND } from '../../proxy/src/contract.ts'
import { argumentsHere } from '../support/image.ts'
import type { LogLine, RunningProcess } from '../support/process.ts'
import { startNode } from '../support/process.ts'
import { startProxyProcess } from '../support/proxy/process.ts'
import { ROLE_ARN } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

const FILES = JSON.stringify([
  { name: 'azure', audience: ['api://AzureADTokenExchange'], durationSeconds: 1800 },
  { name: 'other', audience: ['https://other.example'] },
])

describe('the shipped proxy in a pod that only has token files', () => {
  let directory: string
  let tokens: string
  let emulator: Emulator
  let proxy: RunningProcess
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-files-'))
    tokens = join(directory, 'tokens')
    mkdirSync(tokens)
    emulator = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE_ARN }] })
    emulator.setFederation(true)
    writeFileSync(
      join(directory, 'subject'),
      await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }),
    )
  })
  afterEach(async () => {
    proxy.signal('SIGKILL')
    await proxy.exited
    await emulator.close()
    expect(proxy.output()).not.to.match(/eyJ|ASIA/)
    rmSync(directory, { recursive: true })
  })

  function start(environment: Readonly<Record<string, string>> = {}): void {
    proxy = startProxyProcess({
      TOKEN_FILES: FILES,
      TOKENS_DIR: tokens,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: emulator.stsUrl,
      AWS_ROLE_ARN: ROLE_ARN,
      AWS_WEB_IDENTITY_TOKEN_FILE: join(directory, 'subject'),
      AWS_EC2_METADATA_DISABLED: 'true',
      ...environment,
    })
  }

  const adminPort = async (): Promise<string> =>
    String((await proxy.logged('listening'))['admin'])
      .split(':')
      .at(-1) ?? ''
  const claimsOf = (name: string): LogLine =>
    JSON.parse(
      Buffer.from(readFileSync(join(tokens, name), 'utf8').split('.')[1] ?? '', 'base64url').toString(),
    ) as LogLine

  async function probe(): Promise<{ status: number | null; output: string }> {
    const [command = '', ...rest] = argumentsHere([...PROBE_COMMAND], 'dist/proxy')
    const run = startNode([command, ...rest], { ADMIN_LISTEN_ADDR: `127.0.0.1:${await adminPort()}` })
    const { status } = await run.exited
    return { status, output: run.output() }
  }

  it('writes each token, without a newline, and listens on no port for requests', async () => {
    start()
    expect((await probe()).status).to.equal(0)
    expect(claimsOf('azure')).to.include({ aud: 'api://AzureADTokenExchange', sub: ROLE_ARN })
    expect(claimsOf('other')).to.include({ aud: 'https://other.example' })
    expect(readFileSync(join(tokens, 'azure'), 'utf8')).to.match(/^[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(statSync(join(tokens, 'azure')).mode & 0o777).to.equal(0o444)
    expect(await proxy.logged('listening')).not.to.have.property('proxy')
    proxy.signal('SIGTERM')
    expect(await proxy.exited).to.deep.equal({ status: 0, signal: null })
  })

  it('holds the start of the application up while a first token is missing', async () => {
    emulator.setFaults([{ operation: 'GetWebIdentityToken', kind: 'html', status: 503 }])
    start()
    const early = await probe()
    expect(early.status, early.output).to.equal(1)
    expect(early.output).to.match(/waiting for the first token of azure, other after 4000 ms/)
    emulator.setFaults([])
    await until('both are there', async () => (await probe()).status === 0)
  })

  it('writes a file again that somebody removed', async () => {
    start()
    await until('it is there', async () => (await probe()).status === 0)
    rmSync(join(tokens, 'azure'), { force: true })
    await until(
      'it is back',
      () => statSync(join(tokens, 'azure'), { throwIfNoEntry: false }) !== undefined,
      20_000,
      200,
    )
    expect(claimsOf('azure')).to.include({ sub: ROLE_ARN })
  })

  for (const [what, environment, complaint] of [
    ['no directory', { TOKENS_DIR: '' }, 'TOKENS_DIR: got "", expected a directory that can be written'],
    ['a directory that is not there', { TOKENS_DIR: '/nowhere' }, 'TOKENS_DIR: got "/nowhere", expected a directory'],
    [
      'files that it does not understand',
      { TOKEN_FILES: '[{"name":"a b"}]' },
      'TOKEN_FILES[0].name: got "a b", expected 1 to 63',
    ],
    ['CREDENTIALS=none', { CREDENTIALS: 'none' }, 'aws, because token file azure gets its token from AWS'],
    [
      'standalone mode',
      { UPSTREAM_HOST: 'a.example' },
      'nothing beside UPSTREAM_HOST or ALLOWED_HOSTS: token files are',
    ],
  ] as const)
    it(`exits 64 with ${what}`, async () => {
      start(environment)
      expect(await proxy.exited).to.deep.equal({ status: 64, signal: null })
      expect(proxy.output()).to.include(complaint)
    })
})
