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
import { startRawUpstream, startUpstream } from '../../support/proxy/upstream.ts'
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

describe('memory that responses hold which clients do not read', () => {
  const MANY = 70
  const BLOCK = Buffer.alloc(1 << 20)
  let upstream: Upstream
  let proxy: TestProxy
  let sockets: Socket[] = []
  let asked = 0

  beforeEach(async () => {
    asked = 0
    upstream = await startUpstream((_, reply) => {
      const more = (error?: Error | null): void => {
        if (!error) reply.write(BLOCK, more)
      }
      more()
    })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await proxy.close()
    await upstream.close()
  })
  async function leaveUnread(available: number): Promise<void> {
    // The least there is; a tenth of it or so is short of everything.
    proxy = await startTestProxy({ memoryBytes: 1, availableBytes: () => (asked++, available) })
    sockets = await Promise.all(Array.from({ length: MANY }, () => openSocket(proxy.port)))
    for (const socket of sockets)
      socket.on('error', () => undefined).write(`GET http://x.example:${upstream.port}/ HTTP/1.1\r\n\r\n`)
  }
  const begun = (): number => sockets.filter(({ bytesRead }) => bytesRead > 0).length

  it('is charged: past it the client is let go when the process has no more, and the others stay', async () => {
    await leaveUnread(0)
    await until('responses have begun', () => begun() >= 40)
    const gone = async (): Promise<number> => {
      const pattern = /http_server_request_duration_seconds_count{[^}]*"200",error_type="overloaded"} (\d+)/
      return Number(pattern.exec(await proxy.metrics())?.[1] ?? 0)
    }
    await until('some are let go', async () => (await gone()) >= 5, 10_000)
    // Whoever has no room asks twice a second.
    let last = -1
    await until('nobody has no room any more', () => last === (last = asked), 10_000, 1_500)
    expect(await gone()).to.be.within(5, 40)
  })

  it('is not asked back while the process has more', async () => {
    await leaveUnread(1 << 30)
    await until('there is no room for some', () => asked >= 20, 10_000)
    expect(await proxy.metrics()).not.to.include('"200",error_type="overloaded"')
  })
})
