import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, Http2SecureServer, ServerHttp2Stream } from 'node:http2'
import type { IncomingMessage } from 'node:http'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { KeyPair, TestAuthority } from '../../../support/certificates.ts'
import { ask, open, plainHttp2, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import { openPodAuthority } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { observe, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'

describe('a client of HTTP/2', () => {
  let partners: TestAuthority
  let pair: KeyPair
  let pod: TestPodAuthority
  let partner: Upstream
  let proxy: TestProxy
  let session: ClientHttp2Session | undefined
  const seen: { readonly headers: IncomingHttpHeaders; readonly stream: ServerHttp2Stream }[] = []
  let respond: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void

  before(async () => {
    partners = await createTestAuthority()
    pair = await partners.issue([HOST])
    pod = await openPodAuthority(HOST)
  })
  beforeEach(async () => {
    respond = (stream) => {
      stream.respond({ ':status': 200, 'x-by': 'h2' }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }))
      stream.pipe(stream)
    }
    const server: Http2SecureServer = createSecureServer(pair)
    server
      .on('sessionError', () => undefined)
      .on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        stream.on('error', () => undefined)
        seen.push({ headers, stream })
        respond(stream, headers)
      })
    partner = await observe(server)
    await start()
  })
  afterEach(async () => {
    session?.destroy()
    session = undefined
    seen.length = 0
    await proxy.close()
    await partner.close()
  })

  const authority = (): string => `${HOST}:${partner.port}`
  const start = async (options: TestProxyOptions = {}): Promise<void> => {
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [authority()], https: 'intercept' }],
      ...options,
    })
  }
  const restart = async (options: TestProxyOptions): Promise<void> => {
    await proxy.close()
    await start(options)
  }
  const startHttp1 = async (answer: (request: IncomingMessage) => string[]): Promise<void> => {
    await partner.close()
    partner = await startUpstream((request, reply) => {
      reply.writeHead(200, answer(request))
      request.pipe(reply)
    }, pair)
    await restart({})
  }
  const connect = async (): Promise<ClientHttp2Session> =>
    (session = await secureHttp2(proxy.port, authority(), pod.anchor))

  it('gets a token for its call of an https:// URL, which goes on by HTTP/2 with body and trailers', async () => {
    const call = open(await connect(), { ':method': 'POST', ':path': '/orders?id=1', te: 'trailers', 'x-a': 'ä' }, {})
    call.stream.end('hello')
    const answer = await call.done
    expect(answer).to.include({ status: 200, body: 'hello', rstCode: 0 })
    expect(answer.headers['x-by']).to.equal('h2')
    expect(answer.trailers['x-sum']).to.equal('1')
    expect(seen[0]?.headers).to.include({
      ':method': 'POST',
      ':path': '/orders?id=1',
      ':scheme': 'https',
      ':authority': authority(),
      authorization: `Bearer ${TEST_TOKEN}`,
      te: 'trailers',
      'x-a': 'ä',
    })
    expect(await proxy.metrics())
      .to.include('http_request_method="POST",http_response_status_code="200",error_type=""')
      .and.not.include('outbound_jwt_intercept_refused_total{')
  })

  it('gets a token inside of a CONNECT to port 80, where it takes HTTP/2 for granted', async () => {
    await restart({ routes: [{ hosts: [authority()] }] })
    session = await plainHttp2(proxy.port, HOST)
    expect(await ask(session, { ':path': '/a' })).to.include({ status: 200, rstCode: 0 })
    expect(seen[0]?.headers).to.include({ ':path': '/a', authorization: `Bearer ${TEST_TOKEN}` })
  })

  it('is served by HTTP/1.1 where the partner offers nothing else', async () => {
    let fields: string[] = []
    await startHttp1(({ rawHeaders }) => {
      fields = rawHeaders
      return ['x-by', 'h1', 'Connection', 'x-hop', 'x-hop', '1']
    })
    const call = open(await connect(), { ':method': 'POST', ':path': '/', cookie: ['a=1', 'b=2'] }, {})
    call.stream.end('hello')
    const answer = await call.done
    expect(answer).to.include({ status: 200, body: 'hello' })
    expect(answer.headers)
      .to.include({ 'x-by': 'h1' })
      .and.not.have.any.keys('x-hop', 'connection', 'transfer-encoding')
    expect(fields).to.include.members(['cookie', 'a=1; b=2', 'Authorization', `Bearer ${TEST_TOKEN}`])
  })

  it('may have 100 streams under way on one connection', async () => {
    const connection = await connect()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask(connection, { ':path': `/${index}` })),
    )
    expect(answers.every(({ status }) => status === 200)).to.equal(true)
    expect(await proxy.connections()).to.equal(1)
  })

  it('hears interim responses, since streams cannot be mixed up', async () => {
    respond = (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 })
      stream.end()
    }
    expect(await ask(await connect(), { ':path': '/' })).to.deep.include({ interim: [103], status: 200 })
  })

  it('hears 100 before the body that it holds back until then', async () => {
    const call = open(await connect(), { ':method': 'POST', ':path': '/', expect: '100-continue' }, {})
    await once(call.stream, 'headers')
    call.stream.end('late')
    expect(await call.done).to.deep.include({ interim: [100], body: 'late' })
  })

  for (const [what, fields] of [
    ['another :authority', { ':authority': 'other.example' }],
    [':authority and Host that differ', { host: 'other.example' }],
    ['a Host of another name alone', { ':authority': undefined, host: 'other.example' }],
    ['the scheme of plain HTTP', { ':scheme': 'http' }],
  ] as const)
    it(`is refused ${what} with 421`, async () => {
      const connection = await connect()
      const raw = Object.entries({
        ...{ ':method': 'GET', ':path': '/', ':scheme': 'https', ':authority': authority() },
        ...fields,
      }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
      const answer = await ask(connection, raw)
      expect(answer.status).to.equal(421)
      expect(answer.body).to.include('authority_mismatch')
      expect(seen).to.be.empty
    })

  it('is refused a method that a partner could read as TRACE', async () => {
    const connection = await connect()
    expect((await ask(connection, { ':method': 'TRACE', ':path': '/' })).status).to.equal(405)
    expect((await ask(connection, { ':method': 'trace', ':path': '/' })).status).to.equal(400)
    expect(seen).to.be.empty
  })

  it('gets an error of the proxy as a client of HTTP/1.1 does', async () => {
    proxy.tokens.answer = denied
    const answer = await ask(await connect(), { ':path': '/' })
    expect(answer.status).to.equal(502)
    expect(answer.headers).to.include({ 'x-outbound-jwt-error': 'token_denied' })
    expect(answer.body).to.include('token_denied')
    expect(seen).to.be.empty
  })

  it('ends the stream to the partner when it cancels its own, and half an upload never looks whole', async () => {
    const ends: string[] = []
    respond = (stream) => {
      stream.on('end', () => ends.push(`end ${stream.rstCode}`)).on('close', () => ends.push(`close ${stream.rstCode}`))
      stream.resume()
    }
    const cancel = new AbortController()
    const call = open(await connect(), { ':method': 'POST', ':path': '/' }, { signal: cancel.signal })
    call.stream.write('half')
    await until('the partner has the stream', () => seen.length === 1)
    cancel.abort()
    await until('its stream is closed', () => ends.includes('close 8'))
    expect(ends).not.to.include('end 0')
    await until('the request is over', async () =>
      (await proxy.metrics()).includes('outbound_jwt_requests_in_flight 0'),
    )
  })

  it('hears a reset when the partner breaks off, not an end', async () => {
    respond = (stream) => {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setTimeout(() => stream.destroy(new Error('broken')), 20)
    }
    const answer = await ask(await connect(), { ':path': '/' })
    expect(answer).to.include({ status: 200, body: 'half', rstCode: 2 })
  })

  it('holds the partner back while it does not read, and gets everything later', async () => {
    const size = 8 * 1024 * 1024
    let written = 0
    respond = (stream) => {
      stream.respond({ ':status': 200 })
      const write = (): void => {
        while (written < size) {
          written += 64 * 1024
          if (!stream.write(Buffer.alloc(64 * 1024))) {
            stream.once('drain', write)
            return
          }
        }
        stream.end()
      }
      write()
    }
    const call = open(await connect(), { ':path': '/' })
    call.stream.pause()
    await once(call.stream, 'response')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).to.be.lessThan(size / 4)
    call.stream.resume()
    expect((await call.done).body.length).to.equal(size)
  })

  it('is held back itself while the partner does not read', async () => {
    respond = (stream) => stream.pause()
    const call = open(await connect(), { ':method': 'POST', ':path': '/' }, {})
    let written = 0
    const write = (): void => {
      while (written < 8 * 1024 * 1024) {
        written += 64 * 1024
        if (!call.stream.write(Buffer.alloc(64 * 1024), () => undefined)) break
      }
    }
    call.stream.on('drain', write)
    write()
    await until('the partner has the stream', () => seen.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).to.be.lessThan(2 * 1024 * 1024)
  })

  it('is told to go by the drain, and its streams are finished', async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>()
    respond = (stream) => {
      stream.respond({ ':status': 200 })
      held.resolve(stream)
    }
    const connection = await connect()
    const call = open(connection, { ':path': '/' })
    const stream = await held.promise
    const goaway = once(connection, 'goaway')
    const drained = proxy.drain()
    await goaway
    stream.end('late')
    expect(await call.done).to.include({ body: 'late', rstCode: 0 })
    await drained
  })

  it('is told to go after a time without a request', async () => {
    await restart({ limits: { keepAliveMs: 50 } })
    const connection = await connect()
    await once(connection, 'close')
  })

  it('is cut off when it says nothing after the handshake for as long as a head may take', async () => {
    await restart({ limits: { headMs: 50 }, routes: [{ hosts: [authority()] }] })
    const { socket } = await connectThrough(proxy.port, `${HOST}:80`)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await readAll(socket)
    socket.destroy()
    expect(await proxy.metrics()).to.include('outbound_jwt_connections_refused_total{error_type="request_timeout"} 1')
  })
})
