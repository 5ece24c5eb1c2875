import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { call, errorOf, open } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

/** The least there is for requests and connections, 12 MiB: fewer connections than a burst has requests. */
const LITTLE = { memoryBytes: 1 }
const FLOOD = 200
/** Always. */
const CONNECTIONS = 64

describe('a burst of requests to one partner', () => {
  let upstream: Upstream
  let proxy: TestProxy
  const held: (() => void)[] = []
  beforeEach(async () => {
    held.length = 0
    upstream = await startUpstream((request, reply) => {
      if (request.url === '/held') held.push(() => reply.end('late'))
      else reply.end('at once')
    })
  })
  afterEach(() => Promise.all([proxy.close(), upstream.close()]))
  const start = async (options: TestProxyOptions): Promise<void> => {
    proxy = await startTestProxy(options)
  }
  const send = (path = '/', host = 'x.example'): ReturnType<typeof call> =>
    call(proxy.port, `http://${host}:${upstream.port}${path}`)
  const statuses = async (calls: readonly ReturnType<typeof call>[]): Promise<readonly unknown[]> =>
    (await Promise.all(calls)).map((response) => (response.status === 200 ? 200 : errorOf(response).code))
  const burst = (count: number, path?: string): readonly ReturnType<typeof call>[] =>
    Array.from({ length: count }, () => send(path))

  /** From now on the partner answers what it held. */
  const answering = (): (() => void) => {
    const timer = setInterval(() => held.splice(0).forEach((answer) => answer()), 5)
    return () => clearInterval(timer)
  }

  it('is served by fewer connections than it has requests', async () => {
    await start({ limits: { dials: 2 } })
    expect(new Set(await statuses(burst(200)))).to.deep.equal(new Set([200]))
    expect(upstream.accepted()).to.be.lessThan(150)
  })

  it('gets a connection for each request that the partner keeps waiting', async () => {
    await start({ limits: { dials: 2 } })
    const calls = burst(50, '/held')
    await until('all of them are with the partner', () => held.length === 50)
    for (const answer of held) answer()
    expect(new Set(await statuses(calls))).to.deep.equal(new Set([200]))
    expect(upstream.accepted()).to.equal(50)
  })

  it('waits for connections in use where memory has no room for more', async () => {
    await start(LITTLE)
    const calls = burst(FLOOD, '/held')
    await until('many connections are in use', () => held.length >= CONNECTIONS)
    const stop = answering()
    expect(new Set(await statuses(calls))).to.deep.equal(new Set([200]))
    stop()
    expect(upstream.accepted()).to.be.lessThan(FLOOD)
  })

  it('is answered 503 where memory has no room for its requests, and later ones are served', async () => {
    await start(LITTLE)
    const calls = burst(FLOOD * 3, '/held')
    await until('many connections are in use', () => held.length >= CONNECTIONS)
    await until('some are refused', async () => /error_type="overloaded"/.test(await proxy.metrics()))
    const stop = answering()
    expect(new Set(await statuses(calls))).to.deep.equal(new Set(['overloaded', 200]))
    stop()
    expect(new Set(await statuses(burst(FLOOD)))).to.deep.equal(new Set([200]))
  })

  it('is answered 503 when no connection in use becomes free in time', async () => {
    await start({ ...LITTLE, limits: { connectMs: 2_000 } })
    const calls = burst(FLOOD, '/held')
    await until('the others are answered', async () => {
      const inFlight = /^outbound_jwt_requests_in_flight (\d+)$/m.exec(await proxy.metrics())?.[1]
      return held.length > 0 && held.length === Number(inFlight)
    })
    const waited = held.length
    for (const answer of held) answer()
    const outcomes = await statuses(calls)
    expect(outcomes.filter((outcome) => outcome === 200)).to.have.lengthOf(waited)
    expect(outcomes).to.include('overloaded')
  })

  it('ends idle connections to other partners where memory has no room for both', async () => {
    await start(LITTLE)
    const others = Array.from({ length: 90 }, () => send('/held', 'other.example'))
    await until('they are with the other partner', () => held.length === 90)
    for (const answer of held.splice(0)) answer()
    await Promise.all(others)
    const calls = burst(90, '/held')
    await until('this one gets its share', () => held.length === 90)
    for (const answer of held) answer()
    expect(new Set(await statuses(calls))).to.deep.equal(new Set([200]))
    expect(upstream.sockets.size).to.be.lessThan(120)
  })

  it('leaves nothing behind when its clients leave while they wait', async () => {
    await start(LITTLE)
    const url = `http://x.example:${upstream.port}/held`
    const requests = Array.from({ length: FLOOD }, () => open(proxy.port, url).on('error', () => undefined))
    for (const request of requests) request.end()
    await until('many connections are in use', () => held.length >= CONNECTIONS)
    for (const request of requests) request.destroy()
    await until('none is in flight', async () => (await proxy.metrics()).includes('outbound_jwt_requests_in_flight 0'))
    expect(new Set(await statuses(burst(FLOOD)))).to.deep.equal(new Set([200]))
  })
})

describe('a burst of requests to a partner that is not there', () => {
  it('is answered 502 as soon as one request alone would be', async () => {
    // Connections are never accepted once its queue is full; until then the client's TLS waits for the first byte.
    const silent = new Set<Socket>()
    const hole = createServer((socket) => silent.add(socket)).listen(0, '127.0.0.1')
    await once(hole, 'listening')
    const { port } = hole.address() as AddressInfo
    const host = `hole.example:${port}`
    const proxy = await startTestProxy({
      routes: [{ hosts: [host], audience: ['a'] }],
      limits: { dials: 2, connectMs: 300 },
    })
    const before = performance.now()
    const all = await Promise.all(Array.from({ length: 40 }, () => call(proxy.port, `http://${host}/`)))
    expect(new Set(all.map((response) => errorOf(response).code))).to.deep.equal(new Set(['upstream_connect_failed']))
    expect(performance.now() - before).to.be.lessThan(5_000)
    for (const socket of silent) socket.destroy()
    hole.close()
    await proxy.close()
  })
})
