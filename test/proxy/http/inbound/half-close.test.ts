import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { after, before, beforeEach, describe, it } from 'mocha'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('a client that ends its side after the request', function () {
  let upstream: Upstream
  let proxy: TestProxy
  let held: ServerResponse[]
  before(async function () {
    // Only there does the kernel tell who still reads.
    if (process.platform !== 'linux') this.skip()
    upstream = await startUpstream((_, reply) => void held.push(reply))
    proxy = await startTestProxy()
  })
  after(() => Promise.all([upstream.close(), proxy.close()]))
  beforeEach(() => {
    held = []
  })

  async function ask(host: string, requests = 1): Promise<Socket> {
    const socket = connect({ port: proxy.port, host, allowHalfOpen: true })
    await once(socket, 'connect')
    socket.end(`GET http://x.example:${upstream.port}/ HTTP/1.1\r\n\r\n`.repeat(requests))
    await until('the partner has the request', () => held.length === 1)
    return socket
  }
  const read = async (socket: Socket): Promise<string> => {
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
    await once(socket, 'end')
    return text
  }

  for (const host of ['127.0.0.1', '::ffff:127.0.0.1'])
    it(`gets its answer, and then the connection ends (from ${host})`, async () => {
      const socket = await ask(host)
      const text = read(socket)
      // Longer than between two looks at the client.
      setTimeout(() => held[0]?.end('late'), 1_500)
      expect(await text).to.match(/^HTTP\/1\.1 200 OK\r\n[^]*late/)
    })

  it('gets the answers to all that it sent', async () => {
    const socket = await ask('127.0.0.1', 2)
    const text = read(socket)
    held[0]?.end('one')
    await until('the second is there', () => held.length === 2)
    held[1]?.end('two')
    expect(await text).to.match(/one[^]*two/)
  })

  it('is noticed to be gone when it closes, at once or later', async () => {
    const gone = connect({ port: proxy.port, host: '127.0.0.1' })
    gone.write(`GET http://x.example:${upstream.port}/ HTTP/1.1\r\n\r\n`)
    await until('the partner has the request', () => held.length === 1)
    gone.destroy()
    await until('the partner is let go', () => upstream.sockets.size === 0)
    held = []
    const later = await ask('127.0.0.1')
    later.destroy()
    await until('the partner is let go again', () => upstream.sockets.size === 0)
  })
})
