import { once } from 'node:events'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { openSocket } from '../../../support/proxy/client.ts'
import { ask, beginHttp2, open } from '../../../support/proxy/http2-client.ts'
import { HOST, startHttp2World } from '../../../support/proxy/http2-world.ts'
import type { Http2World } from '../../../support/proxy/http2-world.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'

describe('a client of HTTP/2', () => {
  let world: Http2World
  beforeEach(async () => {
    world = await startHttp2World()
  })
  afterEach(() => world.close())

  it('gets a token for its call of an https:// URL, which goes on by HTTP/2 with body and trailers', async () => {
    const call = open(
      await world.connect(),
      { ':method': 'POST', ':path': '/orders?id=1', te: 'trailers', 'x-a': 'ä' },
      {},
    )
    call.stream.end('hello')
    const answer = await call.done
    expect(answer).to.include({ status: 200, body: 'hello', rstCode: 0 })
    expect(answer.headers['x-by']).to.equal('h2')
    expect(answer.trailers['x-sum']).to.equal('1')
    expect(world.seen[0]?.headers).to.include({
      ':method': 'POST',
      ':path': '/orders?id=1',
      ':scheme': 'https',
      ':authority': world.authority(),
      authorization: `Bearer ${TEST_TOKEN}`,
      te: 'trailers',
      'x-a': 'ä',
    })
    expect(await world.proxy.metrics())
      .to.include('http_request_method="POST",http_response_status_code="200",error_type=""')
      .and.not.include('outbound_jwt_intercept_refused_total{')
  })

  it('gets a token inside of a CONNECT to port 80, where it takes HTTP/2 for granted', async () => {
    await world.restart({ routes: [{ hosts: [world.authority()] }] })
    expect(await ask(await world.connectPlain(), { ':path': '/a' })).to.include({ status: 200, rstCode: 0 })
    expect(world.seen[0]?.headers).to.include({ ':path': '/a', authorization: `Bearer ${TEST_TOKEN}` })
  })

  it('gets a token where the name of the partner leads to the proxy, by its :authority alone', async () => {
    await world.restart({ steered: [80] })
    const session = await beginHttp2(HOST, await openSocket(world.proxy.steered(80)))
    expect(await ask(session, { ':path': '/a' })).to.include({ status: 200, rstCode: 0 })
    expect(world.seen[0]?.headers).to.include({ ':path': '/a', authorization: `Bearer ${TEST_TOKEN}` })
    expect((await ask(session, { ':path': '/', ':authority': 'other.example' })).status).to.equal(421)
    session.destroy()
  })

  it('is served by HTTP/1.1 where the partner offers nothing else', async () => {
    let fields: string[] = []
    await world.startHttp1((request, reply) => {
      fields = request.rawHeaders
      reply.writeHead(200, ['x-by', 'h1', 'Connection', 'x-hop', 'x-hop', '1'])
      request.pipe(reply)
    })
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/', cookie: ['a=1', 'b=2'] }, {})
    call.stream.end('hello')
    const answer = await call.done
    expect(answer).to.include({ status: 200, body: 'hello' })
    expect(answer.headers)
      .to.include({ 'x-by': 'h1' })
      .and.not.have.any.keys('x-hop', 'connection', 'transfer-encoding')
    expect(fields).to.include.members(['cookie', 'a=1; b=2', 'Authorization', `Bearer ${TEST_TOKEN}`])
  })

  it('may have 100 streams under way on one connection', async () => {
    const connection = await world.connect()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => ask(connection, { ':path': `/${index}` })),
    )
    expect(answers.every(({ status }) => status === 200)).to.equal(true)
    expect(await world.proxy.connections()).to.equal(1)
  })

  it('hears interim responses, since streams cannot be mixed up', async () => {
    world.respond = (stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 })
      stream.end()
    }
    expect(await ask(await world.connect(), { ':path': '/' })).to.deep.include({ interim: [103], status: 200 })
  })

  it('hears 100 before the body that it holds back until then', async () => {
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/', expect: '100-continue' }, {})
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
      const connection = await world.connect()
      const raw = Object.entries({
        ...{ ':method': 'GET', ':path': '/', ':scheme': 'https', ':authority': world.authority() },
        ...fields,
      }).flatMap(([name, value]) => (value === undefined ? [] : [name, value]))
      const answer = await ask(connection, raw)
      expect(answer.status).to.equal(421)
      expect(answer.body).to.include('authority_mismatch')
      expect(world.seen).to.be.empty
    })

  it('is refused TRACE, TRACK and what a partner could read as one of them', async () => {
    const connection = await world.connect()
    for (const [method, status] of [
      ['TRACE', 405],
      ['TRACK', 405],
      ['trace', 400],
      ['Track', 400],
    ] as const)
      expect((await ask(connection, { ':method': method, ':path': '/' })).status, method).to.equal(status)
    expect(world.seen).to.be.empty
  })

  it('gets an error of the proxy as a client of HTTP/1.1 does', async () => {
    world.proxy.tokens.answer = denied
    const answer = await ask(await world.connect(), { ':path': '/' })
    expect(answer.status).to.equal(502)
    expect(answer.headers).to.include({ 'x-outbound-jwt-error': 'token_denied' })
    expect(answer.body).to.include('token_denied')
    expect(world.seen).to.be.empty
  })

  it('gets an interim response and a response whose partner sends a TE of its own', async () => {
    await world.startHttp1((_request, reply) => {
      reply.writeEarlyHints({ link: '</a>', te: 'gzip' })
      reply.writeHead(200, ['TE', 'gzip', 'X-A', '1']).end('ok')
    })
    const answer = await ask(await world.connect(), { ':path': '/' })
    expect(answer).to.deep.include({ interim: [103], status: 200, body: 'ok' })
  })

  it('is answered though its body ends, empty, while its token is made', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    world.proxy.tokens.answer = () => promise
    const connection = await world.connect()
    const { stream, done } = open(connection, { ':method': 'POST', ':path': '/' }, {})
    await once(stream.end(), 'finish')
    // Answered once the frames before it have been read.
    await new Promise((pong) => connection.ping(pong))
    resolve(TEST_TOKEN)
    expect(await done).to.include({ status: 200, body: '', rstCode: 0 })
  })

  it('gets a body that was empty in the end, though it said nothing of its length', async () => {
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/' }, {})
    call.stream.end()
    expect(await call.done).to.include({ status: 200, body: '' })
  })

  for (const status of [204, 304])
    it(`gets a ${status} as one head`, async () => {
      world.respond = (stream) => {
        stream.respond({ ':status': status, 'x-a': '1' })
      }
      expect(await ask(await world.connect(), { ':path': '/' })).to.include({ status, body: '', rstCode: 0 })
    })

  it('gets a 205 of HTTP/1.1 without the content that it should not have had', async () => {
    await world.startHttp1(
      (_request, reply) => void reply.writeHead(205, { 'content-length': 3, 'x-a': '1' }).end('abc'),
    )
    const answer = await ask(await world.connect(), { ':path': '/' })
    expect(answer).to.include({ status: 205, body: '', rstCode: 0 })
    expect(answer.headers).to.include({ 'x-a': '1' }).and.not.have.property('content-length')
  })

  it('is told of a status that HTTP does not have as such, not as of a connection that was closed', async () => {
    await world.startHttp1((_request, reply) => void reply.writeHead(999).end('no'))
    const { status, headers, body } = await ask(await world.connect(), { ':path': '/' })
    expect([status, headers['x-outbound-jwt-error']]).to.deep.equal([502, 'upstream_invalid_response'])
    expect(body).to.include('The status 999').and.include('"retryable":false')
  })

  it('gets the head of a HEAD with its length', async () => {
    world.respond = (stream) => stream.respond({ ':status': 200, 'content-length': 5 })
    const answer = await ask(await world.connect(), { ':method': 'HEAD', ':path': '/' })
    expect(answer).to.include({ status: 200, body: '', rstCode: 0 })
    expect(answer.headers['content-length']).to.equal('5')
  })
})
