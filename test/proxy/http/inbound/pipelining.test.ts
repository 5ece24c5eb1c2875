import type { ServerResponse } from 'node:http'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { openSocket } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('pipelined requests', () => {
  let upstream: Upstream
  let proxy: TestProxy
  /** What the upstream was asked and has not answered. */
  let held: ServerResponse[] = []
  before(async () => {
    upstream = await startUpstream((_, response) => held.push(response))
    proxy = await startTestProxy()
  })
  after(() => Promise.all([upstream.close(), proxy.close()]))
  afterEach(() => {
    held = []
  })
  const get = (path: string): string => `GET http://plain.example:${upstream.port}/${path} HTTP/1.1\r\n\r\n`

  it('are served in their order, one at a time, as many as apt sends', async () => {
    const socket = await openSocket(proxy.port)
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.write(Array.from({ length: 11 }, (_, index) => get(String(index))).join(''))
    for (let index = 0; index < 11; index++) {
      await until('the next one has arrived', () => held.length === 1)
      held.pop()?.end(`<${index}>`)
    }
    await until('all are answered', () => text.includes('<10>'))
    expect(text.match(/<\d+>/g)).to.deep.equal(Array.from({ length: 11 }, (_, index) => `<${index}>`))
    socket.destroy()
  })

  it('end with their connection when thousands are sent and none is waited for', async () => {
    const socket = await openSocket(proxy.port)
    socket.on('error', () => socket.destroy())
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(get('flood').repeat(5_000))
    await closed
    await until('the client is gone for the partner, too', () => upstream.sockets.size === 0)
    expect(held.length, 'requests that the partner has seen').to.be.at.most(1)
    expect(await proxy.metrics()).to.include('outbound_jwt_connections_refused_total{error_type="overloaded"} 1')
  })

  it('end with their connection when few are sent, and more waits of their heads than one may have', async () => {
    const before = upstream.sockets.size
    const socket = await openSocket(proxy.port)
    socket.on('error', () => socket.destroy())
    const [line, end] = get('long').split('\r\n')
    socket.write(`${line}\r\nx: ${'x'.repeat(60_000)}\r\n${end}\r\n`.repeat(3))
    await until('it is ended', () => socket.closed)
    await until('the client is gone for the partner, too', () => upstream.sockets.size <= before)
  })
})
