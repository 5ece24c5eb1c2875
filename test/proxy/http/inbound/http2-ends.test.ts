import { once } from 'node:events'
import type { ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { ask, open, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import { orphans } from '../../../support/orphans.ts'
import { HOST, startHttp2World } from '../../../support/proxy/http2-world.ts'
import type { Http2World } from '../../../support/proxy/http2-world.ts'
import { END_HEADERS, END_STREAM, FRAME, PREFACE, frame, literals } from '../../../support/proxy/http2-frames.ts'
import { secureThrough } from '../../../support/proxy/interception.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { until } from '../../../support/until.ts'

/** RFC 9113 §6.5.2. */
const SETTINGS_INITIAL_WINDOW_SIZE = 4

describe('a client of HTTP/2', () => {
  let world: Http2World
  beforeEach(async () => {
    world = await startHttp2World()
  })
  afterEach(() => world.close())

  it('ends the stream to the partner when it cancels its own, and half an upload never looks whole', async () => {
    const ends: string[] = []
    world.respond = (stream) => {
      stream.on('end', () => ends.push(`end ${stream.rstCode}`)).on('close', () => ends.push(`close ${stream.rstCode}`))
      stream.resume()
    }
    const cancel = new AbortController()
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/' }, { signal: cancel.signal })
    call.stream.write('half')
    await until('the partner has the stream', () => world.seen.length === 1)
    cancel.abort()
    await until('its stream is closed', () => ends.includes('close 8'))
    expect(ends).not.to.include('end 0')
    await until('the request is over', async () =>
      (await world.proxy.metrics()).includes('outbound_jwt_requests_in_flight 0'),
    )
  })

  it('hears a reset when the partner breaks off, not an end', async () => {
    world.respond = (stream) => {
      stream.respond({ ':status': 200 })
      stream.write('half')
      setTimeout(() => stream.destroy(new Error('broken')), 20)
    }
    const answer = await ask(await world.connect(), { ':path': '/' })
    expect(answer).to.include({ status: 200, body: 'half', rstCode: 2 })
  })

  it('holds the partner back while it does not read, and gets everything later', async () => {
    const size = 8 * 1024 * 1024
    let written = 0
    world.respond = (stream) => {
      stream.respond({ ':status': 200 })
      const write = (): void => {
        while (written < size) {
          written += 64 * 1024
          if (!stream.write(Buffer.alloc(64 * 1024))) {
            stream.once('drain', write)
            return
          }
        }
        stream.end()
      }
      write()
    }
    const call = open(await world.connect(), { ':path': '/' })
    call.stream.pause()
    await once(call.stream, 'response')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).to.be.lessThan(size / 4)
    call.stream.resume()
    expect((await call.done).body.length).to.equal(size)
  })

  it('is held back itself while the partner does not read', async () => {
    world.respond = (stream) => stream.pause()
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/' }, {})
    let written = 0
    const write = (): void => {
      while (written < 8 * 1024 * 1024) {
        written += 64 * 1024
        if (!call.stream.write(Buffer.alloc(64 * 1024), () => undefined)) break
      }
    }
    call.stream.on('drain', write)
    write()
    await until('the partner has the stream', () => world.seen.length === 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(written).to.be.lessThan(2 * 1024 * 1024)
  })

  it('is not taken for one that refuses the certificate when it leaves after a request', async () => {
    const connection = await world.connect()
    expect((await ask(connection, { ':path': '/' })).status).to.equal(200)
    connection.close()
    await until('the connection is gone', async () => (await world.proxy.connections()) === 0)
    expect(await world.proxy.metrics()).not.to.include('outbound_jwt_intercept_refused_total{')
  })

  it('is counted when it refuses the certificate', async () => {
    const refused: unknown = await secureHttp2(world.proxy.port, world.authority(), world.partnerCa).catch(
      (error: unknown) => error,
    )
    expect(refused).to.have.property('code')
    const line = new RegExp(`intercept_refused_total\\{route="${HOST}:\\d+",reason="closed"\\} 1`)
    await until('the refusal is counted', async () => line.test(await world.proxy.metrics()))
  })

  for (const [what, connectAs] of [
    ['TLS', () => world.connect()],
    ['a tunnel to port 80', () => world.connectPlain()],
  ] as const)
    it(`may cancel within a response over ${what}, and others are served on its connection`, async () => {
      world.respond = (stream, headers) => {
        stream.respond({ ':status': 200 })
        if (headers[':path'] === '/long') stream.write('half')
        else stream.end('whole')
      }
      const connection = await connectAs()
      for (const end of ['close', 'abort'] as const) {
        const cancel = new AbortController()
        const call = open(connection, { ':path': '/long' }, { endStream: true, signal: cancel.signal })
        await once(call.stream, 'data')
        if (end === 'abort') cancel.abort()
        else call.stream.close(8)
        await call.done
      }
      await until('the partner knows', () => world.seen.every(({ stream }) => stream.closed))
      expect((await ask(connection, { ':path': '/' })).body).to.equal('whole')
    })

  it('may reset its connection before it has said anything', async () => {
    const { socket } = await connectThrough(world.proxy.port, `${HOST}:80`)
    socket.resetAndDestroy()
    await until('the connection is gone', async () => (await world.proxy.connections()) === 0)
    expect((await ask(await world.connectPlain(), { ':path': '/' })).status).to.equal(200)
  })

  it('is heard of when it cancels before its token is there, and the partner is not called', async () => {
    const token = Promise.withResolvers<string>()
    world.proxy.tokens.answer = () => token.promise
    const cancel = new AbortController()
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/' }, { signal: cancel.signal })
    call.stream.write('half')
    await until('the token is asked for', () => world.proxy.tokens.asked.length === 1)
    cancel.abort()
    await until('the request is over', async () =>
      (await world.proxy.metrics()).includes('outbound_jwt_requests_in_flight 0'),
    )
    token.resolve(TEST_TOKEN)
    expect((await ask(await world.connect(), { ':path': '/next' })).status).to.equal(200)
    expect(world.seen.map(({ headers }) => headers[':path'])).to.deep.equal(['/next'])
  })

  it('is answered early, and stopped from sending what nobody reads', async () => {
    world.proxy.tokens.answer = denied
    const call = open(await world.connect(), { ':method': 'POST', ':path': '/' }, {})
    const sending = setInterval(() => call.stream.write(Buffer.alloc(1024)), 20)
    const answer = await call.done.finally(() => clearInterval(sending))
    expect(answer).to.include({ status: 502, rstCode: 0 })
    expect(answer.body).to.include('token_denied')
  })

  it('is told to go by the drain, and its streams are finished', async () => {
    const held = Promise.withResolvers<ServerHttp2Stream>()
    world.respond = (stream) => {
      stream.respond({ ':status': 200 })
      held.resolve(stream)
    }
    const connection = await world.connect()
    const call = open(connection, { ':path': '/' })
    const stream = await held.promise
    const goaway = once(connection, 'goaway')
    const drained = world.proxy.drain()
    await goaway
    stream.end('late')
    expect(await call.done).to.include({ body: 'late', rstCode: 0 })
    await drained
  })

  for (const [what, scheme, connect] of [
    [
      'TLS',
      'https',
      () => secureThrough(world.proxy.port, world.authority(), { ca: world.anchor, ALPNProtocols: ['h2'] }),
    ],
    ['a tunnel to port 80', 'http', async () => (await connectThrough(world.proxy.port, `${HOST}:80`)).socket],
  ] as const)
    it(`is cut off at the end of the drain when it reads nothing over ${what}`, async () => {
      await world.restart({ settings: { SHUTDOWN_TIMEOUT: '1', DRAIN_DELAY: '0' } })
      const socket = await connect()
      await readNothing(socket, scheme)
      await world.proxy.drain()
      expect(world.proxy.log()).to.match(/tunnels cut at the end of the drain.*"count":1\b/)
      socket.destroy()
    })

  it('is cut off after its time without a stream when it has reported an error, and reads nothing', async () => {
    await world.restart({ limits: { keepAliveMs: 50 } })
    const ofHttp2 = { ca: world.anchor, ALPNProtocols: ['h2'] }
    const socket = await secureThrough(world.proxy.port, world.authority(), ofHttp2)
    await readNothing(socket, 'https')
    const internalError = Buffer.from([0, 0, 0, 0, 0, 0, 0, 2])
    socket.write(frame(FRAME.goaway, 0, 0, internalError))
    await until('the connection is gone', async () => (await world.proxy.connections()) === 0, 5_000)
    expect(await orphans(world.proxy.port)).to.equal(0)
    socket.destroy()
  })

  it('is told to go after a time without a request', async () => {
    await world.restart({ limits: { keepAliveMs: 50 } })
    const connection = await world.connect()
    await once(connection, 'close')
  })

  it('is cut off when it says nothing after the handshake for as long as a head may take', async () => {
    await world.restart({ limits: { headMs: 50 }, routes: [{ hosts: [world.authority()] }] })
    const { socket } = await connectThrough(world.proxy.port, `${HOST}:80`)
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
    await readAll(socket)
    socket.destroy()
    expect(await world.proxy.metrics()).to.include(
      'outbound_jwt_connections_refused_total{error_type="request_timeout"} 1',
    )
  })

  /** Asks for more than the connection holds, and resolves once it holds no more. */
  async function readNothing(socket: Socket, scheme: 'http' | 'https'): Promise<void> {
    let written = 0
    world.respond = (stream) => {
      stream.respond({ ':status': 200 })
      const more = (error?: Error | null): void => {
        if (!error) stream.write(Buffer.alloc(64 * 1024), more)
        written++
      }
      more()
    }
    socket.on('error', () => undefined).pause()
    const authority = scheme === 'https' ? world.authority() : HOST
    const fields = { ':method': 'GET', ':scheme': scheme, ':authority': authority, ':path': '/' }
    const most = Buffer.from([0, SETTINGS_INITIAL_WINDOW_SIZE, 0x7f, 0xff, 0xff, 0xff])
    socket.write(
      Buffer.concat([
        PREFACE,
        frame(FRAME.settings, 0, 0, most),
        frame(FRAME.windowUpdate, 0, 0, Buffer.from([0x7f, 0xff, 0, 0])),
        frame(FRAME.headers, END_HEADERS | END_STREAM, 1, literals(Object.entries(fields))),
      ]),
    )
    await until('the response has begun', () => written > 0)
    let last = -1
    await until('nothing more is taken', () => last === (last = written), 20_000, 500)
  }
})
