import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { ExternalAccountClient } from 'google-auth-library'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { TokenFile } from '../../../proxy/src/contract.ts'
import { parseTokenFiles } from '../../../proxy/src/contract.ts'
import { tokenFileFindings } from '../../../proxy/src/doctor/token-files.ts'
import { ProxyError } from '../../../proxy/src/errors.ts'
import { METRICS } from '../../../proxy/src/metrics.ts'
import { SettingsError, createMetrics, diskFiles } from '../../../proxy/src/runtime/index.ts'
import type { Files } from '../../../proxy/src/runtime/index.ts'
import { createTokenFiles, tokenFileRequests } from '../../../proxy/src/tokens/files.ts'
import type { TokenFiles, TokenFilesDeps } from '../../../proxy/src/tokens/files.ts'
import { PROVIDER } from '../../support/exchanges.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import type { FakeClock } from '../../support/tokens/clock.ts'
import { captureLog } from '../../support/tokens/log.ts'
import type { CapturedLog } from '../../support/tokens/log.ts'

const REFUSED = new ProxyError('token_denied', { message: 'STS says no.', hint: 'Ask the administrator.' })

function filesOf(...entries: readonly object[]): readonly TokenFile[] {
  return parseTokenFiles(JSON.stringify(entries), 'TOKEN_FILES', ({ where, allowed }) =>
    expect.fail(`${where}: ${allowed}`),
  )
}

const PARTNER = filesOf({ name: 'partner', audience: ['a'] })

describe('a token file', () => {
  let directory: string
  let path: string
  let clock: FakeClock
  let captured: CapturedLog
  /** What the engine answers; a test puts in what it is about. */
  let answer: () => string | Promise<string>
  let made: TokenFiles
  let scrape: () => Promise<string[]>

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-files-'))
    path = join(directory, 'partner')
    clock = createFakeClock()
    captured = captureLog()
    answer = () => 'token-1'
  })
  afterEach(() => {
    made.close()
    expect(clock.pending()).to.equal(0)
    expect(captured.text()).not.to.match(/token-\d/)
    chmodSync(directory, 0o700)
    rmSync(directory, { recursive: true })
  })

  function begin(files: readonly TokenFile[] = PARTNER, change: Partial<TokenFilesDeps> = {}): TokenFiles {
    const { instruments, render } = createMetrics(METRICS)
    scrape = async () => (await render()).body.split('\n').filter((line) => line.startsWith('outbound_jwt_token_file'))
    made = createTokenFiles({
      files,
      directory: { where: 'TOKENS_DIR', path: directory },
      tokens: { get: () => answer() },
      disk: diskFiles,
      clock,
      random: () => 0,
      log: captured.log,
      instruments,
      ...change,
    })
    made.begin()
    return made
  }

  const verdict = (): string | undefined => tokenFileFindings(made.states(), clock.now().wallMs)[0]?.verdict

  it('holds exactly the token, for everybody to read and nobody to change', async () => {
    const files = begin()
    await clock.advance(0)
    expect(readFileSync(path, 'utf8')).to.equal('token-1')
    expect(statSync(path).mode & 0o777).to.equal(0o444)
    expect(readdirSync(directory)).to.deep.equal(['partner'])
    expect(files.awaited()).to.deep.equal([])
    expect(verdict()).to.equal('pass')
    expect(await scrape()).to.deep.equal([
      `outbound_jwt_token_file_written_timestamp_seconds{file="partner"} ${clock.now().wallMs / 1000}`,
    ])
  })

  it('is replaced whole when the engine has a newer token', async () => {
    begin()
    await clock.advance(60_000)
    const before = statSync(path).ino
    answer = () => 'token-2'
    await clock.advance(10_000)
    expect(readFileSync(path, 'utf8')).to.equal('token-2')
    expect(statSync(path).ino).not.to.equal(before)
  })

  it('is not written while nothing changes', async () => {
    begin()
    const before = statSync(path).ino
    await clock.advance(3_600_000)
    expect(statSync(path).ino).to.equal(before)
    expect(captured.lines('token file written')).to.have.lengthOf(1)
  })

  it('is back when somebody removed it, or wrote something else into it', async () => {
    begin()
    for (const change of [() => undefined, () => writeFileSync(path, 'x')]) {
      rmSync(path)
      change()
      await clock.advance(10_000)
      expect(readFileSync(path, 'utf8')).to.equal('token-1')
    }
  })

  it('keeps the last token while there is no newer one, even when it is removed then', async () => {
    begin()
    answer = () => Promise.reject(REFUSED)
    await clock.advance(10_000)
    rmSync(path)
    await clock.advance(60_000)
    expect(readFileSync(path, 'utf8')).to.equal('token-1')
    expect(verdict()).to.equal('warn')
    answer = () => 'token-2'
    await clock.advance(30_000)
    expect(readFileSync(path, 'utf8')).to.equal('token-2')
    expect(verdict()).to.equal('pass')
  })

  it('is waited for until its first token is there', async () => {
    let arrive: (token: string) => void = () => undefined
    answer = () => new Promise((resolve) => (arrive = resolve))
    const files = begin()
    await clock.advance(5_000)
    expect(files.awaited()).to.deep.equal(['partner'])
    expect(verdict()).to.equal('fail')
    arrive('token-1')
    await clock.advance(0)
    expect(files.awaited()).to.deep.equal([])
  })

  it('is waited for no longer than 30 s, and then named in the log, the metric and doctor', async () => {
    answer = () => Promise.reject(REFUSED)
    const files = begin()
    await clock.advance(29_999)
    expect(files.awaited()).to.deep.equal(['partner'])
    await clock.advance(1)
    expect(files.awaited()).to.deep.equal([])
    expect(captured.lines('the application starts without a token file')).to.have.lengthOf(1)
    expect(captured.lines('the application starts without a token file')[0]).to.include({
      file: 'partner',
      reason: 'token',
      detail: 'STS says no.',
      hint: 'Ask the administrator.',
    })
    expect(captured.lines('token file not written')).to.have.lengthOf(1)
    const [first, second] = await scrape()
    expect(first).to.equal('outbound_jwt_token_file_written_timestamp_seconds{file="partner"} 0')
    expect(second).to.match(/^outbound_jwt_token_file_failures_total\{file="partner",reason="token"\} [2-9]$/)
    expect(tokenFileFindings(files.states(), 0)).to.deep.equal([
      {
        id: 'files',
        subject: path,
        verdict: 'fail',
        found: 'This process has not written it yet: STS says no.',
        fix: 'Ask the administrator.',
      },
    ])
    expect(readdirSync(directory)).to.deep.equal([])
  })

  for (const [code, meaning] of [
    ['ENOSPC', 'it has no space left'],
    ['EROFS', 'it is read-only'],
    ['EPERM', 'it may not be read or written'],
  ] as const)
    it(`is written once its directory allows it again (${code})`, async () => {
      let isBroken = true
      const disk: Files = {
        ...diskFiles,
        replace: (...args) => {
          if (isBroken) throw Object.assign(new Error(code), { code })
          diskFiles.replace(...args)
        },
      }
      begin(PARTNER, { disk })
      await clock.advance(20_000)
      expect(captured.lines('token file not written')).to.have.lengthOf(1)
      expect(captured.lines('token file not written')[0]).to.include({
        reason: 'write',
        detail: `${directory} or a file in it: ${meaning}`,
      })
      expect((await scrape()).at(-1)).to.equal(
        'outbound_jwt_token_file_failures_total{file="partner",reason="write"} 3',
      )
      expect(verdict()).to.equal('fail')
      isBroken = false
      await clock.advance(10_000)
      expect(readFileSync(path, 'utf8')).to.equal('token-1')
      expect(verdict()).to.equal('pass')
    })

  it('needs a directory that can be used when the process starts', () => {
    const file = join(directory, 'file')
    writeFileSync(file, '')
    const start = (where: string): string => {
      try {
        begin(PARTNER, { directory: { where: 'TOKENS_DIR', path: where } })
      } catch (error) {
        if (error instanceof SettingsError) return error.message
        throw error
      }
      return expect.fail('started')
    }
    begin()
    expect(start('')).to.contain('TOKENS_DIR: got "", expected a directory that can be written (a token file needs it)')
    expect(start(join(directory, 'absent'))).to.contain('(it does not exist)')
    expect(start(file)).to.contain('(it is not a directory)')
    if (process.getuid?.() === 0) return
    chmodSync(directory, 0o500)
    expect(start(directory)).to.contain('(it may not be read or written)')
  })

  it('asks for the token of its spec, under a name that no route has', () => {
    begin([])
    const [request] = tokenFileRequests(
      filesOf({ name: 'cluster', source: 'kubernetes', audience: ['a'], subjectTokenFile: '/t' }),
    )
    expect(request).to.deep.include({
      route: 'token-file/cluster',
      spec: { source: 'kubernetes', audience: ['a'], durationSeconds: 3600, tokenFile: '/t' },
    })
  })

  it('of Google comes with what its library reads: the library exchanges the token as it stands in the file', async () => {
    const calls: { path: string | undefined; authorization: string | undefined; body: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (data: string) => (body += data))
      request.on('end', () => {
        calls.push({ path: request.url, authorization: request.headers.authorization, body })
        response.setHeader('Content-Type', 'application/json')
        response.end(
          JSON.stringify(
            request.url === '/v1/token'
              ? { access_token: 'federated', token_type: 'Bearer', expires_in: 3600, issued_token_type: 'x' }
              : { accessToken: 'impersonated', expireTime: '2099-01-01T00:00:00Z' },
          ),
        )
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      begin(
        filesOf({
          name: 'gcp',
          sdk: {
            google: {
              audience: PROVIDER,
              serviceAccount: 'orders@shop.iam.gserviceaccount.com',
              lifetimeSeconds: 1200,
            },
          },
        }),
      )
      await clock.advance(0)
      expect(readdirSync(directory)).to.have.members(['gcp', 'gcp.json'])
      expect(statSync(join(directory, 'gcp.json')).mode & 0o777).to.equal(0o444)
      const text = readFileSync(join(directory, 'gcp.json'), 'utf8')
      // The library calls the addresses in the file; this leads them here.
      const here = text.replaceAll(/https:\/\/(?:sts|iamcredentials)\.googleapis\.com/g, `http://127.0.0.1:${port}`)
      const client = ExternalAccountClient.fromJSON(
        JSON.parse(here) as Parameters<typeof ExternalAccountClient.fromJSON>[0],
      )
      expect((await client?.getAccessToken())?.token).to.equal('impersonated')
    } finally {
      server.close()
    }
    expect(Object.fromEntries(new URLSearchParams(calls[0]?.body))).to.include({
      audience: PROVIDER,
      subject_token: 'token-1',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    })
    expect(calls[1]).to.include({
      path: '/v1/projects/-/serviceAccounts/orders@shop.iam.gserviceaccount.com:generateAccessToken',
      authorization: 'Bearer federated',
    })
    expect(JSON.parse(calls[1]?.body ?? '')).to.include({ lifetime: '1200s' })
  })
})
