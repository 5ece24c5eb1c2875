import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { call, errorOf } from '../../../support/proxy/client.ts'
import type { Answer, CallOptions } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startRawUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const SMALL = 'small body'

describe('the one retry', () => {
  let proxy: TestProxy
  let upstream: Upstream
  /** Request lines in the order they came in. */
  const lines: string[] = []
  /** What the upstream does with the nth request of a connection; by default it answers. */
  let behaviour: (socket: Socket, nth: number, connection: number) => void

  beforeEach(async () => {
    lines.length = 0
    let connections = 0
    upstream = await startRawUpstream((socket) => {
      const connection = ++connections
      let nth = 0
      socket.on('data', (bytes: Buffer) => {
        const line = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH) \S+/.exec(bytes.toString('latin1'))
        if (!line) return
        lines.push(line[0])
        behaviour(socket, ++nth, connection)
      })
    })
    proxy = await startTestProxy()
  })
  afterEach(() => Promise.all([proxy.close(), upstream.close()]))

  const send = (path: string, options: CallOptions = {}): Promise<Answer> =>
    call(proxy.port, `http://x.example:${upstream.port}${path}`, options)
  /** Leaves one connection that has served, and that breaks under the next request. */
  const reuseOne = async (breaks: (socket: Socket) => void): Promise<void> => {
    behaviour = (socket, nth, connection) => {
      if (connection === 1 && nth === 2) breaks(socket)
      else socket.write(OK)
    }
    expect((await send('/first')).status).to.equal(200)
  }
  const retries = async (): Promise<number> =>
    Number(/outbound_jwt_retries_total\{route="none"\} (\d+)/.exec(await proxy.metrics())?.[1] ?? 0)

  const breaking = { ends: (socket: Socket) => socket.end(), resets: (socket: Socket) => socket.resetAndDestroy() }
  const repeated: readonly (readonly [string, CallOptions])[] = [
    ['GET', { method: 'GET' }],
    ['HEAD', { method: 'HEAD' }],
    ['OPTIONS', { method: 'OPTIONS' }],
    ['DELETE', { method: 'DELETE' }],
    ['PUT with a body that was held', { method: 'PUT', body: SMALL, headers: { 'Content-Length': SMALL.length } }],
  ]
  for (const [verb, breaks] of Object.entries(breaking))
    for (const [name, options] of repeated)
      it(`repeats ${name} when a connection that had served ${verb}`, async () => {
        await reuseOne(breaks)
        expect((await send('/second', options)).status).to.equal(200)
        const line = `${options.method ?? ''} /second`
        expect(lines).to.deep.equal(['GET /first', line, line])
        expect([upstream.accepted(), await retries()]).to.deep.equal([2, 1])
      })

  const once: readonly (readonly [string, CallOptions])[] = [
    ['POST', { method: 'POST' }],
    ['POST with a body', { method: 'POST', body: SMALL, headers: { 'Content-Length': SMALL.length } }],
    ['PATCH', { method: 'PATCH' }],
    ['PUT with a body that is streamed', { method: 'PUT', body: SMALL, headers: { 'Transfer-Encoding': 'chunked' } }],
  ]
  for (const [name, options] of once)
    it(`does not repeat ${name}`, async () => {
      await reuseOne((socket) => socket.end())
      const failed = await send('/second', options)
      expect([failed.status, errorOf(failed).code]).to.deep.equal([502, 'upstream_reset'])
      expect(lines).to.deep.equal(['GET /first', `${options.method ?? ''} /second`])
      expect(await retries()).to.equal(0)
    })

  it('does not repeat once a byte of the response is there', async () => {
    await reuseOne((socket) => socket.end('H'))
    expect((await send('/second')).status).to.equal(502)
    expect(lines).to.have.lengthOf(2)
  })

  it('does not repeat on a connection that had not served', async () => {
    behaviour = (socket) => socket.end()
    expect((await send('/first')).status).to.equal(502)
    expect(lines).to.have.lengthOf(1)
  })

  it('repeats once, not twice, over a new connection', async () => {
    behaviour = (socket, nth, connection) => (connection + nth === 2 ? socket.write(OK) : socket.end())
    await send('/first')
    expect((await send('/second')).status).to.equal(502)
    expect(lines).to.deep.equal(['GET /first', 'GET /second', 'GET /second'])
    expect([upstream.accepted(), await retries()]).to.deep.equal([2, 1])
  })

  it('sends even a POST that met a connection closed while it was idle', async () => {
    behaviour = (socket) => socket.write(OK)
    await send('/first')
    for (const socket of upstream.sockets) socket.end()
    await until('the connection is closed', () => upstream.sockets.size === 0)
    expect((await send('/second', { method: 'POST', body: SMALL })).status).to.equal(200)
    expect([lines.length, await retries()]).to.deep.equal([2, 0])
  })

  it('never keeps a connection past the time its partner allows', async () => {
    behaviour = (socket) => socket.write(`HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\nok`)
    await send('/first')
    await until('the connection is closed', () => upstream.sockets.size === 0)
    expect((await send('/second', { method: 'POST' })).status).to.equal(200)
    expect(upstream.accepted()).to.equal(2)
  })
})
