import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { call, keepAlive, open, openSocket, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('drain', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let url = ''
  let answer: RequestListener
  before(async () => {
    upstream = await startUpstream((request, reply) => answer(request, reply))
    url = `http://x.example:${upstream.port}/`
  })
  after(() => upstream.close())
  beforeEach(async () => {
    answer = (_, reply) => void reply.end('ok')
    proxy = await startTestProxy({ limits: { lingerMs: 100 } })
  })
  afterEach(() => proxy.close())

  it('ends at once when nothing is open', () => proxy.drain())

  it('answers what is in flight and then ends its connection', async () => {
    let release: (() => void) | undefined
    answer = (_, reply) => (release = () => reply.end('late'))
    const agent = keepAlive()
    const outgoing = open(proxy.port, url, { agent })
    outgoing.end()
    await until('the request is with the partner', () => release !== undefined)
    const drained = proxy.drain()
    release?.()
    expect((await read(await response(outgoing))).body).to.equal('late')
    await drained
    agent.destroy()
  })

  it('accepts no new connection, but still serves one that is idle', async () => {
    const agent = keepAlive()
    await call(proxy.port, url, { agent })
    const drained = proxy.drain()
    const { status, headers } = await call(proxy.port, url, { agent })
    expect([status, headers.connection]).to.deep.equal([200, 'close'])
    await drained
    expect(await openSocket(proxy.port).catch((error: unknown) => error)).to.have.property('code', 'ECONNREFUSED')
    agent.destroy()
  })

  it('ends idle connections after a moment, served before or not', async () => {
    const agent = keepAlive()
    await call(proxy.port, url, { agent })
    const fresh = await openSocket(proxy.port)
    await Promise.all([proxy.drain(), once(fresh, 'close')])
    agent.destroy()
  })

  it('ends a connection whose response had begun before, once it is complete', async () => {
    let release: () => void = () => undefined
    answer = (_, reply) => {
      reply.write('first ')
      release = () => reply.end('last')
    }
    const agent = keepAlive()
    const outgoing = open(proxy.port, url, { agent })
    outgoing.end()
    const incoming = await response(outgoing)
    expect(incoming.headers.connection).to.equal('keep-alive')
    const drained = proxy.drain()
    await new Promise((resolve) => setTimeout(resolve, 200))
    release()
    expect((await read(incoming)).body).to.equal('first last')
    await drained
    agent.destroy()
  })
})
