import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { writeAndDetachChunk, writeChunk as plainWrite } from '../../../../proxy/src/http/tunnel/chunk.ts'
import { connectThrough, readAll } from '../../../support/proxy/tunnel.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy, TestProxyOptions } from '../../../support/proxy/proxy.ts'
import { openSocket } from '../../../support/proxy/client.ts'
import { startRawUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'
import { NODE_MAJOR } from '../../../support/node.ts'

const OTHER = 'other.example'

for (const [name, writeChunk] of Object.entries({ writeAndDetachChunk, writeChunk: plainWrite }))
  describe(`a tunnel by ${name}`, () => {
    let proxy: TestProxy
    let upstream: Upstream
    afterEach(async () => {
      await proxy.close()
      await upstream.close()
    })
    const start = async (onSocket: (socket: Socket) => void, options: TestProxyOptions = {}): Promise<void> => {
      upstream = await startRawUpstream(onSocket)
      proxy = await startTestProxy({ writeChunk, ...options })
    }
    const tunnel = async (): Promise<Socket> => {
      const { status, socket } = await connectThrough(proxy.port, `${OTHER}:${upstream.port}`)
      expect(status).to.equal(200)
      return socket
    }
    const noneOpen = async (): Promise<void> => {
      await until('every connection is gone', async () => (await proxy.connections()) + upstream.sockets.size === 0)
      expect(await proxy.metrics()).to.include('outbound_jwt_tunnels_open{mode="blind"} 0')
    }
    /** How a connection ends that nobody here ends. */
    const outcome = (socket: Socket): Promise<string> =>
      new Promise((resolve) => {
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
        socket.on('end', () => {
          socket.destroy()
          resolve('ended')
        })
        socket.resume()
      })

    it('is counted, and not any more once both sides have ended', async () => {
      await start((socket) => socket.pipe(socket), { settings: { LOG_LEVEL: 'debug' } })
      const socket = await tunnel()
      expect(await proxy.metrics()).to.include('outbound_jwt_tunnels_open{mode="blind"} 1')
      socket.end('bye')
      expect(await readAll(socket)).to.equal('bye')
      await noneOpen()
      expect(proxy.log()).to.match(/"msg":"tunnel closed".*"received":\d+,"sent":\d+/)
    })

    it('passes a reset of the server on, so that a part is not taken for the whole', async function () {
      // Sockets of Node 22 report a reset right behind data as an end.
      if (NODE_MAJOR < 24) this.skip()
      await start((socket) => void socket.write('part', () => setImmediate(() => socket.resetAndDestroy())))
      expect(await outcome(await tunnel())).to.equal('ECONNRESET')
      await noneOpen()
    })

    it('passes a reset of the client on', async () => {
      let result: Promise<string> | undefined
      await start((socket) => {
        result = outcome(socket)
      })
      const socket = await tunnel()
      await until('the server has the connection', () => result !== undefined)
      socket.resetAndDestroy()
      expect(await result).to.equal('ECONNRESET')
      await noneOpen()
    })

    it('survives a reset while its CONNECT is being answered', async () => {
      await start((socket) => socket.pipe(socket))
      for (let index = 0; index < 20; index++) {
        const socket = await openSocket(proxy.port)
        socket.write(`CONNECT ${OTHER}:${upstream.port} HTTP/1.1\r\n\r\n`)
        await new Promise(setImmediate)
        socket.resetAndDestroy()
      }
      await until('every connection is gone', async () => (await proxy.connections()) + upstream.sockets.size === 0)
    })

    it('lets a client go that closes after the server has', async () => {
      await start((socket) => void socket.end('bye'))
      const socket = await tunnel()
      expect(await readAll(socket)).to.equal('bye')
      socket.end()
      await noneOpen()
    })

    it('delivers the last bytes to a client that reads only after both sides have said all', async () => {
      let server: Socket | undefined
      await start((socket) => (server = socket))
      const socket = await tunnel()
      await until('the server has the connection', () => server !== undefined)
      // Until nothing fits into the kernel any more, and less than what holds the server back waits in the proxy.
      let sent = 0
      for (const chunk = Buffer.alloc(4096); ; sent += chunk.length) {
        const flushed = new Promise((resolve) => server!.write(chunk, resolve))
        if ((await Promise.race([flushed, delay(200, 'full')])) === 'full') break
      }
      server!.end()
      socket.end()
      await until('both have said all', () => server!.readableEnded)
      socket.on('data', () => {
        socket.pause()
        setTimeout(() => socket.resume(), 1)
      })
      expect((await readAll(socket)).length).to.equal(sent + 4096)
      await noneOpen()
    })

    it('delivers everything to a slow reader after the other side is gone', async () => {
      const text = randomBytes(4 << 20).toString('hex')
      await start((socket) => void socket.end(text))
      const socket = await tunnel()
      socket.end()
      await until('the server has said it all', () => upstream.sockets.size === 0 || socket.readableLength > 0)
      expect((await readAll(socket)) === text).to.equal(true)
      await noneOpen()
    })

    it('holds a server back whose client does not read', async () => {
      let source: Socket | undefined
      await start((socket) => {
        source = socket
        socket.write(Buffer.alloc(64 << 20))
      })
      const socket = await tunnel()
      let last = -1
      await until('the server gets no more rid of', () => {
        const now = source?.writableLength ?? -1
        const same = now === last && now !== -1
        last = now
        return same
      })
      expect(source?.bytesWritten).to.be.greaterThan(0)
      expect(process.memoryUsage().arrayBuffers).to.be.lessThan(256 << 20)
      expect(source!.writableNeedDrain, 'the server waits').to.equal(true)
      socket.destroy()
      await noneOpen()
    })

    it('ends after silence, and not before', async () => {
      await start((socket) => socket.pipe(socket), { limits: { tunnelIdleMs: 1_000 } })
      const socket = await tunnel()
      const begin = performance.now()
      for (let index = 0; index < 5; index++) {
        socket.write('.')
        await once(socket, 'data')
        await delay(300)
      }
      expect(socket.destroyed).to.equal(false)
      expect(await outcome(socket)).to.equal('ended')
      expect(performance.now() - begin).to.be.greaterThan(2_000)
      await noneOpen()
    })

    it('outlives the silence that a request may not have', async () => {
      await start((socket) => socket.pipe(socket), {
        limits: { bodyIdleMs: 50, silenceMarginMs: 0, keepAliveMs: 50 },
        settings: { UPSTREAM_TIMEOUT: '1s' },
      })
      const socket = await tunnel()
      await delay(1_300)
      socket.end('still here')
      expect(await readAll(socket)).to.equal('still here')
    })

    it('may go on during a drain until its deadline, which then ends it', async () => {
      await start((socket) => socket.pipe(socket), { settings: { SHUTDOWN_TIMEOUT: '1s' } })
      const socket = await tunnel()
      const begin = performance.now()
      const drained = proxy.drain()
      socket.write('during')
      expect(String((await once(socket, 'data'))[0])).to.equal('during')
      await drained
      expect(performance.now() - begin).to.be.within(800, 1_000 * 5)
      expect(proxy.log()).to.include('tunnels cut at the end of the drain').and.to.include('"count":1')
      await noneOpen()
    })

    it('is not opened any more after that deadline', async () => {
      let found: (() => void) | undefined
      await start((socket) => socket.pipe(socket), {
        settings: { SHUTDOWN_TIMEOUT: '1s' },
        resolve: (_host, _options, done) => {
          found = () => done(null, [{ address: '127.0.0.1', family: 4 }])
        },
      })
      const late = tunnel()
      await until('the name is looked up', () => found !== undefined)
      const drained = proxy.drain()
      await delay(1_000)
      found?.()
      expect(await readAll(await late)).to.equal('')
      await drained
      await noneOpen()
    })

    it('ends when its client had said all before it opened', async () => {
      let found: (() => void) | undefined
      await start((socket) => socket.pipe(socket), {
        resolve: (_host, _options, done) => {
          found = () => done(null, [{ address: '127.0.0.1', family: 4 }])
        },
      })
      const socket = await openSocket(proxy.port)
      socket.end(`CONNECT ${OTHER}:${upstream.port} HTTP/1.1\r\nHost: ${OTHER}\r\n\r\n`)
      await until('the name is looked up', () => found !== undefined)
      await delay(50)
      found?.()
      expect(await readAll(socket)).to.match(/^HTTP\/1\.1 200 /)
      await noneOpen()
    })

    it('leaves nothing behind, however 200 of them end', async () => {
      await start((socket) => socket.pipe(socket))
      const endings: readonly ((socket: Socket) => unknown)[] = [
        (socket) => socket.end(),
        (socket) => socket.destroy(),
        (socket) => socket.resetAndDestroy(),
        (socket) => void socket.end(Buffer.alloc(100_000)),
      ]
      await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const socket = await tunnel()
          socket.on('error', () => undefined).resume()
          endings[index % endings.length]?.(socket)
        }),
      )
      await noneOpen()
    })
  })
