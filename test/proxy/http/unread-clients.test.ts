import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { createMemoryBudget } from '../../../proxy/src/http/memory.ts'
import { UnreadBook } from '../../../proxy/src/http/unread.ts'
import { Http1Exchange } from '../../../proxy/src/http/inbound/http1-exchange.ts'
import type { ExchangeDeps } from '../../../proxy/src/http/inbound/exchange.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { orphans } from '../../support/orphans.ts'
import { call, openSocket } from '../../support/proxy/client.ts'
import { open } from '../../support/proxy/http2-client.ts'
import { END_HEADERS, END_STREAM, FRAME, PREFACE, frame, literals } from '../../support/proxy/http2-frames.ts'
import { HOST, startHttp2World } from '../../support/proxy/http2-world.ts'
import type { Http2World } from '../../support/proxy/http2-world.ts'
import { secureThrough } from '../../support/proxy/interception.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../support/proxy/proxy.ts'
import { connectThrough } from '../../support/proxy/tunnel.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'

const MIB = 1 << 20
const PLENTY = 1 << 30
const BLOCK = Buffer.alloc(MIB)

/** Says more than anybody takes. */
function pour(to: NodeJS.WritableStream): void {
  const more = (error?: Error | null): void => {
    if (!error) to.write(BLOCK, more)
  }
  more()
}

/** How the connection of a client ends that begins to read now. */
const outcome = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
    socket.on('end', () => resolve('ended'))
    socket.resume()
  })

describe('bytes that nobody reads', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let available = 0
  const sockets: Socket[] = []

  beforeEach(async () => {
    available = 0
    upstream = await startUpstream(
      (request, reply) => {
        if (request.url === '/little') setTimeout(() => reply.end('little'), 200)
        else if (request.url !== '/held') pour(reply)
      },
      undefined,
      (_, socket) => {
        socket.on('error', () => undefined)
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n')
        pour(socket)
      },
    )
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await proxy.close()
    await upstream.close()
  })
  const start = async (options: TestProxyOptions = {}): Promise<void> => {
    // The least there is for requests and connections, 12 MiB.
    proxy = await startTestProxy({ memoryBytes: 1, availableBytes: () => available, ...options })
  }
  const origin = (): string => `other.example:${upstream.port}`
  const get = (fields = ''): string => `GET http://${origin()}/ HTTP/1.1\r\nHost: x\r\n${fields}\r\n`
  const kept = (socket: Socket): Socket => {
    sockets.push(socket.on('error', () => undefined))
    return socket
  }

  /** Each asks for more than it reads. */
  const CLIENTS: Readonly<Record<string, () => Promise<Socket>>> = {
    'a response': async () => {
      const socket = kept(await openSocket(proxy.port))
      socket.write(get())
      return socket
    },
    'a tunnel': async () => {
      const { socket } = await connectThrough(proxy.port, origin())
      kept(socket).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      return socket
    },
    'an upgraded connection': async () => {
      const socket = kept(await openSocket(proxy.port))
      socket.write(get('Connection: Upgrade\r\nUpgrade: raw\r\n'))
      return socket
    },
  }
  const isGone = async (port = proxy.port): Promise<void> => {
    await until('both connections are gone', async () => (await proxy.connections()) + upstream.sockets.size === 0)
    expect(await orphans(port), 'connections that only the kernel has').to.equal(0)
  }

  for (const [what, leave] of Object.entries(CLIENTS)) {
    it(`are freed in the kernel as well when the process is short of memory: of ${what}`, async () => {
      await start()
      const socket = await leave()
      await until('it has begun', () => upstream.sockets.size === 1)
      await isGone()
      expect(await outcome(socket)).to.equal('ECONNRESET')
      expect(await proxy.metrics()).to.match(/error_type="overloaded"} 1\n/)
    })

    it(`are left to clients from when there is memory again: of ${what}`, async () => {
      await start()
      for (let index = 0; index < 16; index++) await leave()
      await until('all have begun', () => upstream.sockets.size > 12)
      await until('some are let go', () => upstream.sockets.size <= 12, 10_000)
      available = PLENTY
      const { size } = upstream.sockets
      expect(size).to.be.greaterThan(4)
      const end = performance.now() + 1_600
      await until('three looks are over', () => performance.now() > end)
      expect(upstream.sockets.size).to.equal(size)
    })

    it(`do not keep others from being served: of ${what}`, async () => {
      available = PLENTY
      await start()
      for (let index = 0; index < 60; index++) await leave()
      await until('all have begun', () => upstream.sockets.size >= 60)
      const end = performance.now() + 1_600
      await until('three looks are over', () => performance.now() > end)
      const answers = await Promise.all(Array.from({ length: 10 }, () => call(proxy.port, `http://${origin()}/little`)))
      expect(answers.map(({ status }) => status)).to.deep.equal(Array.from({ length: 10 }, () => 200))
    })
  }

  it('are freed as well when it is the partner of a tunnel that does not read', async () => {
    await start()
    const { socket } = await connectThrough(proxy.port, origin())
    kept(socket).write('POST /held HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n')
    pour(socket)
    await until('the tunnel is gone', async () => (await proxy.connections()) === 0)
    expect(await proxy.metrics()).to.include('connections_refused_total{error_type="overloaded"} 1\n')
  })

  it('make way for a request that has found no room, which is then served when it is sent again', async () => {
    available = PLENTY
    await start()
    const chunked = { 'Transfer-Encoding': 'chunked' }
    // As much as there is: 216 KiB for a body of any length.
    for (let index = 0; index < 32; index++)
      kept(await openSocket(proxy.port)).write(
        `POST http://${origin()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      )
    await until('all have begun', () => upstream.sockets.size === 32)
    const status = async (): Promise<number> =>
      (await call(proxy.port, `http://${origin()}/little`, { method: 'POST', headers: chunked })).status
    expect(await status()).to.equal(503)
    await until('there is room', async () => (await status()) === 200, 5_000, 300)
    expect(upstream.sockets.size).to.be.within(28, 32)
  })

  it('are freed in the kernel as well where the proxy speaks TLS', async () => {
    const authority = await createTestAuthority()
    await start({ certificate: await authority.issue(['localhost']) })
    const socket = kept(connectTls({ port: proxy.port, host: '127.0.0.1', ca: authority.ca, servername: 'localhost' }))
    await once(socket, 'secureConnect')
    socket.write(get())
    await until('it has begun', () => upstream.sockets.size === 1)
    await isGone()
    expect(await outcome(socket)).to.equal('ECONNRESET')
  })
})

describe('the end of a response that nobody reads', () => {
  const WHOLE = Buffer.alloc(8 * MIB)
  for (const [what, send] of Object.entries<(exchange: Http1Exchange) => void>({
    'whose last byte has come': (exchange) => {
      exchange.started(200, 'OK', ['Content-Length', String(WHOLE.length)])
      exchange.received(WHOLE)
    },
    'whose partner has ended it': (exchange) => {
      exchange.started(200, 'OK', [])
      exchange.received(WHOLE)
      exchange.ended([])
    },
  }))
    it(`is let go as well: of one ${what}`, async () => {
      const memory = createMemoryBudget(128 * MIB, () => 0)
      const closed: (string | undefined)[] = []
      const observer = {
        opened: () => undefined,
        failed: () => undefined,
        closed: ({ error }: Http1Exchange) => void closed.push(error?.code),
      }
      const deps = {
        observer,
        memory,
        unread: new UnreadBook(memory),
        now: () => 0,
        requestId: () => '',
        rewriting: () => undefined,
      }
      const server = createServer((request, response) =>
        send(new Http1Exchange(request, response, deps as unknown as ExchangeDeps)),
      ).listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const socket = await openSocket(port)
      socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await until('it is let go', () => closed.length > 0)
      expect(closed).to.deep.equal(['overloaded'])
      expect(await orphans(port)).to.equal(0)
      expect(await outcome(socket)).to.equal('ECONNRESET')
      server.close()
      await once(server, 'close')
    })
})

describe('streams of HTTP/2 that nobody reads', () => {
  let world: Http2World
  let available = 0
  beforeEach(async () => {
    available = 0
    world = await startHttp2World()
    world.respond = (stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': String(headers['content-type']) })
      if (headers[':path'] === '/little') stream.end('little')
      else pour(stream)
    }
    await world.restart({ memoryBytes: 1, availableBytes: () => available })
  })
  afterEach(() => world.close())

  for (const type of ['text/plain', 'application/grpc'])
    it(`are let go one by one, and the partner's with them, and the others go on: ${type}`, async () => {
      const session = await world.connect()
      const { stream, done } = open(session, { ':path': '/', 'content-type': type })
      stream.pause()
      await until('it has begun', () => world.seen.length === 1)
      await until('the partner is let go', () => world.seen[0]?.stream.destroyed === true)
      available = PLENTY
      stream.resume()
      expect((await done).rstCode).to.equal(ENHANCE_YOUR_CALM)
      const other = await open(session, { ':path': '/little', 'content-type': 'text/plain' }).done
      expect([other.status, other.body]).to.deep.equal([200, 'little'])
      // Longer than it takes to give up a connection that is not read.
      const end = performance.now() + 1_500
      await until('a connection would have ended', () => performance.now() > end)
      expect(session.destroyed).to.equal(false)
    })

  for (const [scheme, connect] of Object.entries<() => Promise<Socket>>({
    http: async () => (await connectThrough(world.proxy.port, `${HOST}:80`)).socket,
    https: () => secureThrough(world.proxy.port, world.authority(), { ca: world.anchor, ALPNProtocols: ['h2'] }),
  }))
    it(`are let go with their connection when nothing of that is read, and nothing stays in the kernel: ${scheme}`, async () => {
      const authority = scheme === 'http' ? HOST : world.authority()
      const fields = { ':method': 'GET', ':scheme': scheme, ':authority': authority, ':path': '/' }
      const socket = await connect()
      socket.on('error', () => undefined).pause()
      socket.write(
        Buffer.concat([
          PREFACE,
          frame(FRAME.settings, 0, 0, Buffer.of(0, 4, 0x7f, 0xff, 0xff, 0xff)),
          frame(FRAME.windowUpdate, 0, 0, Buffer.of(0x7f, 0xff, 0, 0)),
          frame(FRAME.headers, END_STREAM | END_HEADERS, 1, literals(Object.entries(fields))),
        ]),
      )
      await until('it has begun', () => world.seen.length === 1)
      await until('its connection is gone', async () => (await world.proxy.connections()) === 0)
      expect(await orphans(world.proxy.port)).to.equal(0)
      expect(await outcome(socket)).to.equal('ECONNRESET')
    })
})

/** RFC 9113 §7. */
const ENHANCE_YOUR_CALM = 11
