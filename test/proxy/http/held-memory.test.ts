import { once } from 'node:events'
import { connect } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { openSocket } from '../../support/proxy/client.ts'
import { openPodAuthority } from '../../support/proxy/interception.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { connectThrough } from '../../support/proxy/tunnel.ts'
import { startRawUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'

const HOST = 'api.partner.example'
const ENHANCE_YOUR_CALM = 11

describe('memory that connections hold without a request', () => {
  let upstream: Upstream
  let proxy: TestProxy
  const open: { destroy(): void }[] = []
  /** What the first refused session was told. RFC 9113 §7. */
  let code = 0
  beforeEach(async () => {
    code = 0
    upstream = await startRawUpstream((socket) => socket.pipe(socket))
    // The least there is for requests and connections, 12 MiB.
    proxy = await startTestProxy({ memoryBytes: 1, routes: [{ hosts: [HOST] }], limits: { connectMs: 500 } })
  })
  afterEach(async () => {
    for (const connection of open.splice(0)) connection.destroy()
    await proxy.close()
    await upstream.close()
  })

  it('is charged for tunnels: past it a CONNECT is answered 503, until another tunnel has ended', async () => {
    expect(await opened(`other.example:${upstream.port}`)).to.be.within(64, 500)
  })

  it('is charged for intercepted connections: past it a CONNECT is answered 503, until another has ended', async () => {
    await proxy.close()
    const authority = await openPodAuthority(HOST)
    proxy = await startTestProxy({ memoryBytes: 1, authority, routes: [{ hosts: [HOST], https: 'intercept' }] })
    expect(await opened(`${HOST}:443`)).to.be.within(64, 200)
  })

  /** @returns how many tunnels there may be at a time, after one more was refused and one that ended made room. */
  async function opened(target: string): Promise<number> {
    const sockets: Socket[] = []
    let refused = await connectThrough(proxy.port, target)
    while (refused.status === 200 && sockets.length < 1_000) {
      sockets.push(refused.socket)
      open.push(refused.socket)
      refused = await connectThrough(proxy.port, target)
    }
    expect([refused.status, refused.headers['x-outbound-jwt-error'], refused.headers['retry-after']]).to.deep.equal([
      503,
      'overloaded',
      '1',
    ])
    sockets[0]?.destroy()
    await until('there is room again', async () => {
      const { status, socket } = await connectThrough(proxy.port, target)
      open.push(socket)
      return status === 200
    })
    return sockets.length
  }

  it('is charged for what follows a 101: past it an upgrade is answered 503, until another has ended', async () => {
    await upstream.close()
    upstream = await startRawUpstream((socket) => {
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'),
      )
    })
    const sockets: Socket[] = []
    let answer = await upgraded()
    while (answer.status === '101' && sockets.length < 500) {
      sockets.push(answer.socket)
      answer = await upgraded()
    }
    expect(answer.status).to.equal('503')
    expect(sockets.length).to.be.within(64, 150)
    sockets[0]?.destroy()
    await until('there is room again', async () => (await upgraded()).status === '101')
  })

  async function upgraded(): Promise<{ readonly status: string; readonly socket: Socket }> {
    const socket = await openSocket(proxy.port)
    open.push(socket)
    socket.write(
      `GET http://other.example:${upstream.port}/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    )
    const [head] = (await once(socket, 'data')) as [Buffer]
    return { status: head.toString('latin1', 9, 12), socket }
  }

  it('is charged for connections of HTTP/2: past it a client is told to calm down, until another has ended', async () => {
    const sessions: ClientHttp2Session[] = []
    let refused = await openSession()
    while (!refused.destroyed && sessions.length < 1_000) {
      sessions.push(refused)
      refused = await openSession()
    }
    expect(code).to.equal(ENHANCE_YOUR_CALM)
    expect(sessions.length).to.be.within(64, 500)
    expect(await proxy.metrics()).to.include('outbound_jwt_connections_refused_total{error_type="overloaded"} 1')
    sessions[0]?.destroy()
    await until('there is room again', async () => !(await openSession()).destroyed)
  })

  /** Waits until it is known whether the session may stay. */
  async function openSession(): Promise<ClientHttp2Session> {
    const { socket } = await connectThrough(proxy.port, `${HOST}:80`)
    socket.allowHalfOpen = false
    const session = connect(`http://${HOST}`, { createConnection: () => socket })
    session.on('error', () => undefined).on('goaway', (received: number) => (code ||= received))
    open.push(session)
    const closed = once(session, 'close')
    await once(session, 'remoteSettings')
    if (!session.destroyed) await Promise.race([new Promise((resolve) => session.ping(resolve)), closed])
    return session
  }
})
