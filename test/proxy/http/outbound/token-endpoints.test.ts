import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { readConfig } from '../../../../proxy/src/config.ts'
import { LIMITS } from '../../../../proxy/src/http/limits.ts'
import { createMemoryBudget } from '../../../../proxy/src/http/memory.ts'
import { createEndpointClient } from '../../../../proxy/src/http/outbound/token-endpoints.ts'
import type { ResolveAll } from '../../../../proxy/src/http/outbound/lookup.ts'
import { createUpstreams } from '../../../../proxy/src/proxy.ts'
import type { CallEndpoint, EndpointAnswer } from '../../../../proxy/src/tokens/exchanges/endpoint.ts'
import type { TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const NAME = 'as.example'
const NOW_MS = Date.UTC(2026, 0, 1)
const { signal } = new AbortController()

describe('the client of token endpoints', () => {
  let authority: TestAuthority
  let other: TestAuthority
  let endpoint: Upstream
  let handle: (request: IncomingMessage, response: ServerResponse) => void
  let seen: {
    readonly method: string
    readonly url: string
    readonly headers: readonly string[]
    readonly body: string
  }[]
  before(async () => {
    authority = await createTestAuthority()
    other = await createTestAuthority('another authority')
  })
  beforeEach(async () => {
    seen = []
    handle = (_request, response) => response.end('{"access_token":"result"}')
    endpoint = await startUpstream(
      (request, response) => {
        void text(request).then((body) => {
          const { method = '', url = '', rawHeaders } = request
          seen.push({ method, url, headers: rawHeaders, body })
          handle(request, response)
        })
      },
      await authority.issue([NAME]),
    )
  })
  afterEach(() => endpoint.close())

  const client = (options: { local?: boolean; common?: string; addresses?: readonly string[] } = {}): CallEndpoint => {
    const { local = true, common = authority.ca, addresses = ['127.0.0.1'] } = options
    const resolve: ResolveAll = (host, _, done) => {
      if (host !== NAME) done(Object.assign(new Error(), { code: 'ENOTFOUND' }), [])
      else
        done(
          null,
          addresses.map((address) => ({ address, family: 4 })),
        )
    }
    const byFile = new Map([
      ['/own.crt', authority.ca],
      ['/other.crt', other.ca],
    ])
    const config = readConfig({ ALLOW_LOCAL_UPSTREAMS: String(local) })
    const upstreams = createUpstreams({
      config,
      anchors: { common, byFile },
      clientCertificates: new Map(),
      limits: LIMITS,
      memory: createMemoryBudget(0),
      resolve,
      ownPorts: [],
      ownAddresses: [],
    })
    return createEndpointClient({ upstreams, anchors: byFile, nowMs: () => NOW_MS })
  }
  const request = (
    caFile?: string,
    url = `https://${NAME}:${endpoint.port}/token?a=b`,
  ): Parameters<CallEndpoint>[0] => ({
    url,
    headers: { accept: 'application/json', 'content-type': 'text/plain' },
    body: 'grant=é',
    caFile,
  })
  const failure = (work: Promise<EndpointAnswer>): Promise<TokenFailure> =>
    work.then(
      () => expect.fail('the call succeeded'),
      (error: unknown) => error as TokenFailure,
    )

  it('sends the body with the headers it is given, Host and Content-Length, and nothing else', async () => {
    expect(await client()(request(), signal)).to.deep.equal({
      status: 200,
      retryAfterMs: undefined,
      body: '{"access_token":"result"}',
    })
    const [only] = seen
    expect(only).to.include({ method: 'POST', url: '/token?a=b', body: 'grant=é' })
    const names = only?.headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
    expect(names?.sort()).to.deep.equal(['accept', 'connection', 'content-length', 'content-type', 'host'])
    expect(only?.headers).to.include(`${NAME}:${endpoint.port}`)
    await until('the connection is closed', () => endpoint.sockets.size === 0)
  })

  it('trusts the anchors of the exchange alone, and those of partners where it has none', async () => {
    expect((await client({ common: other.ca })(request('/own.crt'), signal)).status).to.equal(200)
    for (const [common, caFile] of [
      [authority.ca, '/other.crt'],
      [other.ca, undefined],
    ] as const) {
      const { reason, message } = await failure(client({ common })(request(caFile), signal))
      expect(reason).to.equal('exchange_unreachable')
      expect(message).to.match(/^as\.example: The TLS connection failed \([A-Z_]+\)\.$/)
    }
    expect(await failure(client()(request('/never-read.crt'), signal))).to.be.instanceOf(TypeError)
    expect(seen).to.have.lengthOf(1)
  })

  it('does not connect to addresses where credentials are served, nor to this machine', async () => {
    for (const addresses of [['169.254.169.254'], ['127.0.0.1']])
      expect((await failure(client({ local: false, addresses })(request(), signal))).message).to.match(/addresses/)
    for (const host of ['127.0.0.1', '2130706433', '[::1]', '169.254.169.254'])
      expect((await failure(client({ local: false })(request(undefined, `https://${host}/`), signal))).reason).to.equal(
        'exchange_unreachable',
      )
    expect(endpoint.accepted()).to.equal(0)
  })

  it('follows no redirect', async () => {
    handle = (_request, response) => response.writeHead(307, { location: `https://${NAME}:${endpoint.port}/` }).end()
    expect((await client()(request(), signal)).status).to.equal(307)
    expect(seen).to.have.lengthOf(1)
  })

  it('skips interim responses, asked for or not', async () => {
    handle = (_request, response) => {
      response.writeContinue()
      response.writeEarlyHints({ link: '</>; rel=preload' })
      response.writeContinue()
      response.end('{"access_token":"result"}')
    }
    expect(await client()(request(), signal)).to.include({ status: 200, body: '{"access_token":"result"}' })
  })

  it('drops a byte order mark, also one that comes in parts', async () => {
    handle = (_request, response) => {
      const bytes = Buffer.from('\ufeff{"é":1}')
      response.write(bytes.subarray(0, 1))
      setImmediate(() => response.end(bytes.subarray(1)))
    }
    expect((await client()(request(), signal)).body).to.equal('{"é":1}')
  })

  it('reads 256 KiB and no more', async () => {
    handle = (_request, response) => response.end('a'.repeat(256 * 1024))
    expect((await client()(request(), signal)).body).to.have.lengthOf(256 * 1024)
    handle = (_request, response) => response.end('a'.repeat(256 * 1024 + 1))
    expect((await failure(client()(request(), signal))).reason).to.equal('unusable_answer')
  })

  it('says how long the endpoint wishes to be left alone', async () => {
    const wishes: (number | undefined)[] = []
    for (const value of ['30', 'Thu, 01 Jan 2026 00:02:00 GMT', 'Wed, 31 Dec 2025 00:00:00 GMT', 'soon', '-1']) {
      handle = (_request, response) => response.writeHead(429, { 'retry-after': value }).end()
      wishes.push((await client()(request(), signal)).retryAfterMs)
    }
    expect(wishes).to.deep.equal([30_000, 120_000, undefined, undefined, undefined])
  })

  it('tells what kept it from an answer, without the words of a library', async () => {
    const unknown = await failure(client()(request(undefined, 'https://gone.example/'), signal))
    expect(unknown).to.include({
      reason: 'exchange_unreachable',
      message: 'gone.example: The name does not resolve (ENOTFOUND).',
    })
    handle = (incoming) => incoming.socket.destroy()
    expect((await failure(client()(request(), signal))).reason).to.equal('exchange_unreachable')
    handle = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('{"access_')
      setImmediate(() => response.destroy())
    }
    expect((await failure(client()(request(), signal))).reason).to.equal('exchange_unreachable')
  })

  it('ends at once when it is called off', async () => {
    const controller = new AbortController()
    const late = new Error('late')
    handle = () => controller.abort(late)
    expect(await failure(client()(request(), controller.signal))).to.equal(late)
    await until('the connection is closed', () => endpoint.sockets.size === 0)
    expect(await failure(client()(request(), controller.signal))).to.equal(late)
    expect(seen).to.have.lengthOf(1)
  })
})
