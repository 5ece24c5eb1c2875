import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../support/certificates.ts'
import type { TestAuthority } from '../../support/certificates.ts'
import { call, errorOf, exchangeBytes, keepAlive, open, read, response } from '../../support/proxy/client.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../support/proxy/tokens.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { audienceOf } from '../../support/tokens/request.ts'

const HOST = 'api.partner.example'

describe('the path of a request', () => {
  let authority: TestAuthority
  let partner: Upstream
  let plain: Upstream
  let proxy: TestProxy
  const seen: IncomingMessage[] = []
  let answer: RequestListener = echo

  before(async () => {
    authority = await createTestAuthority()
    const listener: RequestListener = (request, reply) => {
      seen.push(request)
      answer(request, reply)
    }
    partner = await startUpstream(listener, await authority.issue([HOST, '*.wild.example']))
    plain = await startUpstream(listener)
  })
  after(() => Promise.all([partner.close(), plain.close()]))
  afterEach(async () => {
    seen.length = 0
    answer = echo
    await proxy.close()
  })
  const start = async (options: TestProxyOptions = {}, route: object = {}): Promise<void> => {
    proxy = await startTestProxy({
      ca: authority.ca,
      routes: [{ hosts: [`${HOST}:${partner.port}`], ...route }],
      ...options,
    })
  }

  it('adds the token and speaks TLS to the partner', async () => {
    await start()
    const { status } = await call(proxy.port, `http://${HOST}/orders?id=1`)
    expect(status).to.equal(200)
    expect(seen).to.have.lengthOf(1)
    expect(seen[0]?.url).to.equal('/orders?id=1')
    expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}`, host: `${HOST}:${partner.port}` })
    expect(seen[0]?.socket).to.include({ servername: HOST })
    expect(proxy.tokens.asked.map(audienceOf)).to.deep.equal([[`https://${HOST}`]])
  })

  it('takes https:// targets on the same port, as older clients write them', async () => {
    await start()
    expect((await call(proxy.port, `https://${HOST}:${partner.port}/`)).status).to.equal(200)
    expect(seen[0]?.headers).to.include({ authorization: `Bearer ${TEST_TOKEN}` })
  })

  it('passes a host without a rule through as it came, without a token', async () => {
    await start()
    await call(proxy.port, `http://other.example:${plain.port}/x`, { headers: { Authorization: 'Basic app' } })
    expect(proxy.tokens.asked).to.be.empty
    expect(seen[0]?.headers).to.deep.equal({
      host: `other.example:${plain.port}`,
      connection: 'keep-alive',
      authorization: 'Basic app',
    })
  })

  it('never calls the partner without a token', async () => {
    await start()
    proxy.tokens.answer = denied
    const refused = await call(proxy.port, `http://${HOST}/`)
    expect(refused.status).to.equal(502)
    expect(errorOf(refused)).to.include({ code: 'token_denied', host: HOST })
    expect(refused.headers).to.include({
      'x-outbound-jwt-error': 'token_denied',
      'proxy-status': 'aws-outbound-jwt-proxy; error=proxy_internal_response',
    })
    proxy.tokens.answer = () => {
      throw new Error('a defect')
    }
    expect(errorOf(await call(proxy.port, `http://${HOST}/`)).code).to.equal('internal_error')
    expect(partner.sockets.size).to.equal(0)
    expect(seen).to.be.empty
  })

  it('waits for a token that is not there yet', async () => {
    await start()
    let give: (token: string) => void = () => undefined
    proxy.tokens.answer = () => new Promise((resolve) => (give = resolve))
    const outgoing = open(proxy.port, `http://${HOST}/`)
    outgoing.end()
    await once(outgoing, 'finish')
    while (proxy.tokens.asked.length === 0) await new Promise(setImmediate)
    expect(seen).to.be.empty
    give(TEST_TOKEN)
    expect((await read(await response(outgoing))).status).to.equal(200)
    expect(seen[0]?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
  })

  it('keeps all 40 tokens of 40 requests at once', async () => {
    await start()
    await Promise.all(Array.from({ length: 40 }, (_, index) => call(proxy.port, `http://${HOST}/${index}`)))
    expect(seen.map(({ headers }) => headers.authorization)).to.deep.equal(new Array(40).fill(`Bearer ${TEST_TOKEN}`))
  })

  it("replaces, keeps or rejects the application's own header, as the route says", async () => {
    const own = { headers: { Authorization: 'Basic app' } }
    await start()
    await call(proxy.port, `http://${HOST}/`, own)
    expect(seen.pop()?.rawHeaders.filter((_, index, all) => /auth/i.test(all[index - 1] ?? ''))).to.deep.equal([
      `Bearer ${TEST_TOKEN}`,
    ])
    await proxy.close()

    await start({}, { onExisting: 'keep' })
    await call(proxy.port, `http://${HOST}/`, own)
    expect(seen.pop()?.headers.authorization).to.equal('Basic app')
    await call(proxy.port, `http://${HOST}/`)
    expect(seen.pop()?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
    await proxy.close()

    await start({}, { onExisting: 'reject' })
    expect(errorOf(await call(proxy.port, `http://${HOST}/`, own)).code).to.equal('authorization_present')
    expect(seen).to.be.empty
  })

  it('uses the header and the scheme of the route', async () => {
    await start({}, { header: { name: 'X-Api-Token', scheme: '' } })
    await call(proxy.port, `http://${HOST}/`, { headers: { Authorization: 'Basic app' } })
    expect(seen[0]?.headers).to.include({ authorization: 'Basic app', 'x-api-token': TEST_TOKEN })
  })

  it('cannot be made to strip the token by Connection: Authorization', async () => {
    await start()
    await call(proxy.port, `http://${HOST}/`, { headers: { Connection: 'close, Authorization' } })
    expect(seen[0]?.headers.authorization).to.equal(`Bearer ${TEST_TOKEN}`)
  })

  it('drops what ends at this hop and keeps the rest as it was written', async () => {
    await start()
    await exchangeBytes(
      proxy.port,
      `GET http://${HOST}/ HTTP/1.1\r\nHost: evil.example\r\nX-Two: b\r\nx-ONE: a\r\nX-Two: c\r\nProxy-Authorization: Basic eA==\r\nProxy-Connection: keep-alive\r\nKeep-Alive: 300\r\nTE: trailers\r\ntraceparent: 00-1-2-01\r\nConnection: close, TE\r\n\r\n`,
    )
    expect(seen[0]?.rawHeaders).to.deep.equal([
      'host',
      `${HOST}:${partner.port}`,
      'connection',
      'keep-alive',
      'X-Two',
      'b',
      'x-ONE',
      'a',
      'X-Two',
      'c',
      'TE',
      'trailers',
      'traceparent',
      '00-1-2-01',
      'Authorization',
      `Bearer ${TEST_TOKEN}`,
    ])
  })

  it('hands the response back as the partner wrote it', async () => {
    await start()
    answer = (_, reply) => {
      reply.sendDate = false
      reply.writeHead(418, 'Short And Stout', [
        'Set-Cookie',
        'a=1',
        'x-CASE',
        'y',
        'Set-Cookie',
        'b=2',
        'Content-Length',
        '3',
      ])
      reply.end('tea')
    }
    const bytes = await exchangeBytes(proxy.port, `GET http://${HOST}/ HTTP/1.1\r\nConnection: close\r\n\r\n`)
    expect(bytes).to.equal(
      'HTTP/1.1 418 Short And Stout\r\nSet-Cookie: a=1\r\nx-CASE: y\r\nSet-Cookie: b=2\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntea',
    )
  })

  it('keeps a redirect of the partner inside the proxy, and no other', async () => {
    await start()
    const redirect =
      (location: string): RequestListener =>
      (_, reply) =>
        void reply.writeHead(302, { location }).end()
    answer = redirect(`https://${HOST}:${partner.port}/next`)
    expect((await call(proxy.port, `http://${HOST}/`)).headers.location).to.equal(`http://${HOST}/next`)
    expect((await call(proxy.port, `https://${HOST}:${partner.port}/`)).headers.location).to.match(/^https:/)
    expect((await call(proxy.port, `http://other.example:${plain.port}/`)).headers.location).to.match(/^https:/)
    answer = redirect('https://elsewhere.example/')
    expect((await call(proxy.port, `http://${HOST}/`)).headers.location).to.equal('https://elsewhere.example/')
  })

  it('answers HEAD, 204 and 304 without a body and leaves the connection usable', async () => {
    await start()
    const agent = keepAlive()
    const port = proxy.port
    answer = (request, reply) => {
      const status = Number(request.url?.slice(1))
      reply.writeHead(status, status === 200 ? { 'content-length': 5 } : {})
      reply.end(status === 200 ? 'hello' : undefined)
    }
    const head = await call(port, `http://${HOST}/200`, { method: 'HEAD', agent })
    expect([head.status, head.headers['content-length'], head.body]).to.deep.equal([200, '5', ''])
    expect((await call(port, `http://${HOST}/204`, { agent })).status).to.equal(204)
    expect((await call(port, `http://${HOST}/304`, { agent })).status).to.equal(304)
    expect((await call(port, `http://${HOST}/200`, { agent })).body).to.equal('hello')
    expect(await proxy.connections()).to.equal(1)
    agent.destroy()
  })

  for (const [name, size] of [
    ['nothing', 0],
    ['one byte', 1],
    ['as much as is buffered', 65_536],
    ['more than is buffered', 65_537],
    ['a megabyte', 1 << 20],
  ] as const) {
    it(`carries ${name} both ways, of known length and chunked`, async () => {
      await start()
      const body = Buffer.alloc(size, 'abcdefghij')
      for (const headers of [{ 'Content-Length': size }, { 'Transfer-Encoding': 'chunked' }]) {
        const echoed = await call(proxy.port, `http://${HOST}/`, { method: 'POST', headers, body })
        expect(echoed.status).to.equal(200)
        expect(echoed.body === body.toString(), 'the body came back').to.equal(true)
      }
    })
  }

  it('reuses connections to the partner', async () => {
    await start()
    const before = partner.accepted()
    for (let index = 0; index < 10; index++) await call(proxy.port, `http://${HOST}/${index}`)
    expect(partner.accepted() - before).to.equal(1)
  })

  it('serves requests of one connection in turn', async () => {
    await start()
    const bytes = await exchangeBytes(
      proxy.port,
      `POST http://${HOST}/1 HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET http://${HOST}/2 HTTP/1.1\r\nConnection: close\r\n\r\n`,
    )
    expect(bytes.match(/HTTP\/1.1 200 OK/g)).to.have.lengthOf(2)
    expect(seen.map(({ url }) => url)).to.deep.equal(['/1', '/2'])
  })

  it('counts, times and logs by rule, never by host, and shows no token', async () => {
    await start({ settings: { LOG_LEVEL: 'debug' } })
    await call(proxy.port, `http://${HOST}/path?secret=1`)
    await call(proxy.port, `http://other.example:${plain.port}/`)
    await call(proxy.port, `http://${HOST}:1/`)
    const metrics = await proxy.metrics()
    const route = `${HOST}:${partner.port}`
    expect(metrics).to.include(
      `http_server_request_duration_seconds_count{route="${route}",http_request_method="GET",http_response_status_code="200",error_type=""} 1`,
    )
    expect(metrics).to.include(
      'http_server_request_duration_seconds_count{route="none",http_request_method="GET",http_response_status_code="403",error_type="port_denied"} 1',
    )
    expect(metrics).to.include(
      'http_client_request_duration_seconds_count{route="none",http_request_method="GET",http_response_status_code="200",error_type=""} 1',
    )
    expect(metrics).not.to.include('other.example')
    expect(proxy.log()).to.include('"path":"/path"').and.to.include('port_denied')
    expect(proxy.log() + metrics).not.to.match(/eyJ|secret/)
  })
})

function echo(request: IncomingMessage, reply: ServerResponse): void {
  const length = request.headers['content-length']
  if (length !== undefined) reply.setHeader('Content-Length', length)
  request.pipe(reply)
}
