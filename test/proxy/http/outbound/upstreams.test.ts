import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ATTEMPT_MS, LIMITS } from '../../../../proxy/src/http/limits.ts'
import { call, keepAlive } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('connections to partners', () => {
  let upstream: Upstream
  let proxy: TestProxy
  const held: (() => void)[] = []
  beforeEach(async () => {
    held.length = 0
    upstream = await startUpstream((request, reply) => {
      const answer = (): void => void reply.end(String(request.socket.remotePort))
      if (request.url === '/held') held.push(answer)
      else answer()
    })
  })
  afterEach(() => Promise.all([proxy.close(), upstream.close()]))
  const start = async (limits: TestProxyOptions['limits'] = {}): Promise<void> => {
    proxy = await startTestProxy({ limits })
  }
  /** @returns which connection it came over. */
  const send = async (path = '/', host = 'x.example'): Promise<string> =>
    (await call(proxy.port, `http://${host}:${upstream.port}${path}`)).body

  it('are as many as requests at once, and the last one used goes first', async () => {
    await start()
    const three = [send('/held'), send('/held'), send('/held')]
    await until('three are there', () => held.length === 3)
    expect(upstream.accepted()).to.equal(3)
    for (const answer of held.splice(0)) answer()
    const used = await Promise.all(three)
    expect(new Set(used).size).to.equal(3)
    const next = await send()
    for (let index = 0; index < 5; index++) expect(await send()).to.equal(next)
    expect(upstream.accepted()).to.equal(3)
  })

  it('end after five minutes however busy they are', async () => {
    await start({ upstreamAgeMs: 50 })
    expect(LIMITS.upstreamAgeMs).to.equal(300_000)
    const first = await send()
    await until('another connection is used', async () => (await send()) !== first)
    await until('the old one is closed', () => upstream.sockets.size === 1)
  })

  it('end when nobody uses them', async () => {
    await start({ upstreamIdleMs: 50 })
    await send()
    await until('none is open', () => upstream.sockets.size === 0)
  })

  it('are not used any more once the partner has closed them', async () => {
    await start()
    const first = await send()
    for (const socket of upstream.sockets) socket.end()
    await until('none is open', () => upstream.sockets.size === 0)
    expect(await send()).not.to.equal(first)
  })

  it('are not shared between origins', async () => {
    await start()
    const ports = [await send('/', 'a.example'), await send('/', 'b.example'), await send('/', 'a.example')]
    expect(ports[0]).to.equal(ports[2])
    expect(ports[0]).not.to.equal(ports[1])
  })

  it('survive a hundred other origins when they are in use', async () => {
    await start({ upstreamIdleMs: 200 })
    const busy = send('/held', 'busy.example')
    await until('it is there', () => held.length === 1)
    for (let index = 0; index < 100; index++) await send('/', `h${index}.example`)
    held[0]?.()
    expect(await busy).to.match(/^\d+$/)
    await until('all of them are closed', () => upstream.sockets.size === 0)
  })

  it('are opened anew after one could not be made', async () => {
    expect(ATTEMPT_MS).to.be.lessThan(LIMITS.connectMs)
    proxy = await startTestProxy({ addresses: {} })
    const agent = keepAlive()
    for (let index = 0; index < 3; index++)
      expect((await call(proxy.port, `http://x.example:${upstream.port}/`, { agent })).status).to.equal(502)
    agent.destroy()
  })
})
