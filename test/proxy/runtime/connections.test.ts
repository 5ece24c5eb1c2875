import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import type { ServerLimits } from '../../../proxy/src/runtime/index.ts'
import { createHttpServer, createHttpsServer, installCertificate, listen } from '../../../proxy/src/runtime/index.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { until } from '../../support/until.ts'

/** More than a client takes that does not read, and less than the kernel does before it. */
const LONG_ANSWER = 'x'.repeat(512 * 1024)

const LIMITS: ServerLimits = {
  connections: { total: 6, perPeer: 4 },
  headBytes: 4096,
  headMs: 60_000,
  requestMs: 60_000,
  keepAliveMs: 60_000,
}

describe('connections of a server', () => {
  let server: Server
  let port: number
  let sockets: Socket[] = []

  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets = []
    server.closeAllConnections()
    server.close()
  })

  async function start(limits = LIMITS): Promise<void> {
    server = createHttpServer(limits, (_request, response) => response.end('ok'))
    port = (await listen(server, { host: '127.0.0.1', port: 0 })).port
  }
  /** @returns a connection from an address of this machine that has sent half a head. */
  async function open(localAddress = '127.0.0.1'): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', localAddress })
    socket.on('error', () => socket.destroy())
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write('GET / HTTP/1.1\r\n')
    return socket
  }
  async function finish(socket: Socket): Promise<string> {
    socket.write('host: x\r\n\r\n')
    return String(((await once(socket, 'data')) as [Buffer])[0])
  }
  const isOpen = (socket: Socket): boolean => !socket.closed

  it('end the oldest of a peer that has more than its share, and leave those of others alone', async () => {
    await start()
    const other = await open('127.0.0.2')
    const many: Socket[] = []
    for (let count = 0; count < 7; count += 1) many.push(await open())
    await until('three are ended', () => many.filter(isOpen).length === 4)
    expect(many.slice(3).every(isOpen)).to.equal(true)
    expect(await finish(other)).to.include('200 OK')
    expect(await finish(many[6]!)).to.include('200 OK')
  })

  it('end those of the busiest peer when there are too many in all', async () => {
    await start()
    const few = [await open('127.0.0.2'), await open('127.0.0.2'), await open('127.0.0.3')]
    const many = [await open(), await open(), await open()]
    const last = await open('127.0.0.4')
    await until('one is ended', () => many.filter(isOpen).length === 2)
    for (const socket of [...few, last]) expect(await finish(socket)).to.include('200 OK')
  })

  it('spare those that were answered while others say nothing', async () => {
    await start()
    const kept = await open()
    expect(await finish(kept)).to.include('200 OK')
    for (let count = 0; count < 10; count += 1) await open()
    kept.write('GET / HTTP/1.1\r\n')
    expect(await finish(kept)).to.include('200 OK')
  })

  it('are bounded before the TLS handshake, and answered in the midst of half handshakes', async () => {
    const authority = await createTestAuthority()
    const secure = createHttpsServer(LIMITS, (_request, response) => response.end('ok'))
    installCertificate(secure, await authority.issue(['127.0.0.1']))
    server = secure
    port = (await listen(server, { host: '127.0.0.1', port: 0 })).port
    const kept = connectTls({ port, host: '127.0.0.1', ca: authority.ca })
    sockets.push(kept)
    await once(kept, 'secureConnect')
    kept.write('GET / HTTP/1.1\r\n')
    expect(await finish(kept)).to.include('200 OK')
    const half: Socket[] = []
    for (let count = 0; count < 10; count += 1) {
      const socket = connect({ port, host: '127.0.0.1' })
      half.push(socket)
      sockets.push(socket)
      await once(socket, 'connect')
      // The first bytes of a ClientHello of 512 bytes.
      socket.on('error', () => socket.destroy()).write(Buffer.from([0x16, 3, 1, 2, 0, 1, 0]))
    }
    await until('seven are ended', () => half.filter(isOpen).length === 3)
    kept.write('GET / HTTP/1.1\r\n')
    expect(await finish(kept)).to.include('200 OK')
  })

  it('are looked at every second, so that a head that is late is ended soon after its time', async () => {
    await start({ ...LIMITS, headMs: 500, requestMs: 500 })
    const socket = await open()
    socket.resume()
    await until('it is ended', () => socket.closed, 4_000)
  })

  it('are told 431 when a head is too large', async () => {
    await start()
    const socket = await open()
    socket.write(`x: ${'x'.repeat(5000)}\r\n`)
    expect(await finish(socket)).to.include('431')
  })

  for (const scheme of ['http', 'https'] as const)
    describe(`of ${scheme} with a long answer`, () => {
      let ca: string | undefined

      async function answer(limits: Partial<ServerLimits>): Promise<void> {
        const listener: RequestListener = (_request, response) => response.end(LONG_ANSWER)
        if (scheme === 'http') server = createHttpServer({ ...LIMITS, ...limits }, listener)
        else {
          const authority = await createTestAuthority()
          const secure = createHttpsServer({ ...LIMITS, ...limits }, listener)
          installCertificate(secure, await authority.issue(['127.0.0.1']))
          ca = authority.ca
          server = secure
        }
        port = (await listen(server, { host: '127.0.0.1', port: 0 })).port
      }
      /** Waits until the kernel has the answer. */
      async function leaveUnread(field = 'accept: */*'): Promise<Socket> {
        const request = once(server, 'request') as Promise<[unknown, ServerResponse]>
        const socket = ca === undefined ? connect(port, '127.0.0.1') : connectTls({ port, host: '127.0.0.1', ca })
        sockets.push(socket)
        socket.on('error', () => socket.destroy()).pause()
        socket.write(`GET / HTTP/1.1\r\nhost: x\r\n${field}\r\n\r\n`)
        const [, response] = await request
        if (!response.writableFinished) await once(response, 'finish')
        return socket
      }
      const open = (): Promise<number> =>
        new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))

      it('are reset when they make way unread, and leave nothing to the kernel', async () => {
        await answer({ connections: { total: 2, perPeer: 2 } })
        for (let count = 0; count < 5; count += 1) await leaveUnread()
        await until('three are ended', async () => (await open()) === 2)
        expect(orphansOf(port)).to.deep.equal([])
      })

      it('are reset when they have been unread for too long, and leave nothing to the kernel', async () => {
        await answer({ keepAliveMs: 50 })
        await leaveUnread()
        await until('it is ended', async () => (await open()) === 0)
        expect(orphansOf(port)).to.deep.equal([])
      })

      for (const [what, field, then] of [
        ['asked for the end', 'connection: close', () => undefined],
        ['ended its side', undefined, (socket: Socket) => socket.end()],
        ['sent what is no request', undefined, (socket: Socket) => socket.write('\0\r\n\r\n')],
      ] as const)
        it(`are reset a moment after a client that reads nothing has ${what}, and leave nothing to the kernel`, async () => {
          await answer({})
          then(await leaveUnread(field))
          await until('it is ended', async () => (await open()) === 0)
          expect(orphansOf(port)).to.deep.equal([])
        })

      it('hear at once that they are ended when they are idle', async () => {
        await answer({})
        const socket = await leaveUnread()
        socket.resume()
        await until('all is read', () => socket.bytesRead > LONG_ANSWER.length)
        const began = performance.now()
        server.closeIdleConnections()
        await once(socket, 'close')
        expect(performance.now() - began).to.be.lessThan(800)
      })

      it('give a client all of its last answer when it begins to read in time', async () => {
        await answer({})
        const socket = await leaveUnread('connection: close')
        await new Promise((resolve) => setTimeout(resolve, 300))
        let bytes = 0
        socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume()
        await once(socket, 'end')
        expect(bytes).to.be.greaterThan(LONG_ANSWER.length)
      })
    })
})

/** FIN_WAIT1, LAST_ACK and CLOSING. */
const CLOSING = new Set(['04', '09', '0B'])

/** @returns what the kernel still has to send from this port for nobody, without an inode. Source: proc_net_tcp.rst of the kernel. */
function orphansOf(port: number): string[] {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const lines = readFileSync('/proc/net/tcp', 'latin1').split('\n')
  return lines.filter((line) => {
    const [, address, , state, queues, , , , , inode] = line.trim().split(/\s+/)
    return address === local && CLOSING.has(state ?? '') && inode === '0' && queues?.startsWith('00000000:') === false
  })
}
