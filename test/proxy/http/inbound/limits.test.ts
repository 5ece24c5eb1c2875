import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { call, errorOf, exchangeBytes, open, openSocket, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import type { Limits } from '../../../../proxy/src/http/limits.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('limits of the data port', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let url = ''
  let arrived = 0
  let answer: RequestListener
  before(async () => {
    upstream = await startUpstream((request, reply) => {
      arrived++
      answer(request, reply)
    })
    url = `http://x.example:${upstream.port}/`
  })
  after(() => upstream.close())
  afterEach(() => proxy.close())
  /** The shortest limit for partners is a second; clients get a little more. */
  const start = async (limits: Partial<Limits>): Promise<void> => {
    arrived = 0
    answer = (_, reply) => void reply.end('ok')
    proxy = await startTestProxy({ limits, settings: { UPSTREAM_TIMEOUT: '1s' } })
  }
  const get = (fields = ''): string => `GET ${url} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`

  it('takes a head of 60 KiB and refuses one beyond 64 KiB', async () => {
    await start({})
    expect(await exchangeBytes(proxy.port, get(`X: ${'a'.repeat(60 << 10)}\r\n`))).to.match(/^HTTP\/1\.1 200 /)
    const refused = await exchangeBytes(proxy.port, get(`X: ${'a'.repeat(66 << 10)}\r\n`))
    expect(refused)
      .to.match(/^HTTP\/1\.1 431 /)
      .and.include('headers_too_large')
    const target = await exchangeBytes(proxy.port, `GET ${url}${'a'.repeat(66 << 10)} HTTP/1.1\r\n\r\n`)
    expect(target)
      .to.match(/^HTTP\/1\.1 431 /)
      .and.include('headers_too_large')
    expect(arrived).to.equal(1)
  })

  it('takes 200 fields, all of them, and refuses 201', async () => {
    await start({})
    let fields = 0
    answer = (request, reply) => {
      fields = request.rawHeaders.filter((name, index) => index % 2 === 0 && name.startsWith('X-')).length
      reply.end()
    }
    const many = (count: number): string =>
      Array.from({ length: count }, (_, index) => `X-${index}: ${index}\r\n`).join('')
    expect(await exchangeBytes(proxy.port, get(many(199)))).to.match(/^HTTP\/1\.1 200 /)
    expect(fields).to.equal(199)
    expect(await exchangeBytes(proxy.port, get(many(200)))).to.match(/^HTTP\/1\.1 431 [^]*headers_too_large/)
    expect(arrived).to.equal(1)
  })

  it('gives a head 15 s, whatever trickles in', async () => {
    await start({ headMs: 200 })
    const socket = await openSocket(proxy.port)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const trickle = setInterval(() => socket.write('X: y\r\n'), 20)
    socket.write(`GET ${url} HTTP/1.1\r\n`)
    await once(socket, 'close')
    clearInterval(trickle)
    expect(text).to.match(/^HTTP\/1\.1 408 [^]*request_timeout/)
    expect(arrived).to.equal(0)
  })

  it('admits requests up to its limit and says when to come back', async () => {
    await start({ inFlight: 2 })
    const held: (() => void)[] = []
    answer = (_, reply) => held.push(() => reply.end('ok'))
    const two = [call(proxy.port, url), call(proxy.port, url)]
    await until('two are in flight', () => held.length === 2)
    const third = await call(proxy.port, url)
    expect([third.status, errorOf(third).code, third.headers['retry-after']]).to.deep.equal([503, 'overloaded', '1'])
    expect(proxy.log(), 'a flood is not logged').not.to.include('overloaded')
    for (const release of held) release()
    expect((await Promise.all(two)).map(({ status }) => status)).to.deep.equal([200, 200])
    answer = (_, reply) => void reply.end('ok')
    expect((await call(proxy.port, url)).status).to.equal(200)
  })

  it('serves all of 1,000 requests that wait at the same time', async () => {
    arrived = 0
    const held: (() => void)[] = []
    answer = (_, reply) => held.push(() => reply.end('ok'))
    proxy = await startTestProxy()
    const all = Array.from({ length: 1_000 }, async () => (await call(proxy.port, url)).status)
    // What is refused is answered first.
    await until('all of them wait', () => held.length === 1_000).finally(() => held.forEach((release) => release()))
    expect(new Set(await Promise.all(all))).to.deep.equal(new Set([200]))
  })

  it('drops connections beyond its limit, counts them, and takes new ones later', async () => {
    await start({ clientSockets: 2 })
    const first = [await openSocket(proxy.port), await openSocket(proxy.port)]
    await until('two are open', async () => (await proxy.connections()) === 2)
    expect(await exchangeBytes(proxy.port, '')).to.equal('')
    expect(await proxy.metrics()).to.include('outbound_jwt_connections_refused_total{error_type="overloaded"} 1')
    for (const socket of first) socket.destroy()
    await until('they are gone', async () => (await proxy.connections()) === 0)
    expect((await call(proxy.port, url)).status).to.equal(200)
  })

  it('ends a connection that is idle between requests', async () => {
    await start({ keepAliveMs: 100 })
    const text = await exchangeBytes(proxy.port, `GET ${url} HTTP/1.1\r\n\r\n`)
    expect(text).to.match(/^HTTP\/1\.1 200 /)
  })

  it('gives up a body of the client that stops coming', async () => {
    await start({ unruledMs: 1_200, silenceMarginMs: 200 })
    answer = () => undefined
    for (const length of [100, 1_000_000]) {
      const text = await exchangeBytes(proxy.port, `POST ${url} HTTP/1.1\r\nContent-Length: ${length}\r\n\r\nhalf`)
      expect(text).to.equal('')
    }
    await until('the partner is let go', () => upstream.sockets.size === 0)
  })

  it('gives up a client that stops reading', async () => {
    await start({ unruledMs: 1_200, silenceMarginMs: 200 })
    answer = (_, reply) => void reply.end(Buffer.alloc(32 << 20))
    const outgoing = open(proxy.port, url)
    outgoing.on('error', () => undefined).end()
    const incoming = await response(outgoing)
    await until('the partner is let go', () => upstream.sockets.size === 0)
    expect(await read(incoming).catch((error: unknown) => error)).to.have.property('code', 'ECONNRESET')
  })
})
