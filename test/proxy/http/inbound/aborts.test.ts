import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { call, openSocket } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const CLIENTS = 20
const BLOCK = Buffer.alloc(64 << 10)

describe('clients that leave', () => {
  let authority: TestAuthority
  let partner: Upstream
  let silent: Upstream
  let proxy: TestProxy
  let arrived = 0
  let answer: RequestListener
  before(async () => {
    authority = await createTestAuthority()
    partner = await startUpstream(
      (request, reply) => {
        arrived++
        answer(request, reply)
      },
      await authority.issue([HOST]),
    )
    // Accepts connections and never says a word of TLS.
    silent = await startRawUpstream((socket) => void socket.resume())
    const hosts = [`${HOST}:${partner.port}`, `silent.example:${silent.port}`]
    proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts }], limits: { connectMs: 5_000 } })
  })
  after(() => Promise.all([partner.close(), silent.close(), proxy.close()]))

  interface Phase {
    readonly name: string
    readonly bytes: () => string
    readonly answer?: RequestListener
    readonly token?: () => string | Promise<string>
    /** Whether the phase is reached by all clients. */
    readonly reached: (sockets: readonly Socket[]) => boolean
  }
  const post = (fields: string, body: string): string => `POST http://${HOST}/ HTTP/1.1\r\n${fields}\r\n\r\n${body}`
  const get = (host = HOST): string => `GET http://${host}/ HTTP/1.1\r\n\r\n`
  const received = (least: number) => (sockets: readonly Socket[]) =>
    sockets.every(({ bytesRead }) => bytesRead >= least)
  const all = (): boolean => arrived === CLIENTS
  const connected = (): boolean => true

  const phases: readonly Phase[] = [
    { name: 'before the first byte', bytes: () => '', reached: connected },
    { name: 'within the head', bytes: () => `GET http://${HOST}/ HTTP/1.1\r\nX: `, reached: connected },
    {
      name: 'while the token is awaited',
      bytes: get,
      token: () => new Promise((resolve) => setTimeout(resolve, 100, TEST_TOKEN)),
      reached: () => proxy.tokens.asked.length >= CLIENTS,
    },
    {
      name: 'within a body that is held',
      bytes: () => post('Content-Length: 1000', 'half'),
      reached: () => proxy.tokens.asked.length >= CLIENTS,
    },
    { name: 'within a body that is streamed', bytes: () => post('Content-Length: 1000000', 'half'), reached: all },
    {
      name: 'within a chunked body',
      bytes: () => post('Transfer-Encoding: chunked', '4\r\nhalf\r\n'),
      reached: all,
    },
    {
      name: 'before the 100 Continue',
      bytes: () => post('Expect: 100-continue\r\nContent-Length: 1000', ''),
      reached: received(21),
    },
    {
      name: 'while the connection to the partner is made',
      bytes: () => get('silent.example'),
      reached: () => silent.sockets.size === CLIENTS,
    },
    { name: 'before the response', bytes: get, reached: all },
    {
      name: 'within a response without end',
      bytes: get,
      answer: endless,
      reached: received(1 << 16),
    },
    {
      name: 'within a stream of events',
      bytes: get,
      answer: (_, reply) => void reply.writeHead(200).write('data: 1\n\n'),
      reached: received(40),
    },
    {
      name: 'between two requests',
      bytes: get,
      answer: (_, reply) => void reply.end('ok'),
      reached: received(40),
    },
  ]
  const leaving: Readonly<Record<string, (socket: Socket) => unknown>> = {
    end: (socket) => socket.destroy(),
    reset: (socket) => socket.resetAndDestroy(),
    'close their half and then leave': (socket) => socket.end(() => socket.destroy()),
  }

  for (const phase of phases)
    for (const [verb, leave] of Object.entries(leaving))
      it(`leaks no socket when ${CLIENTS} clients ${verb} ${phase.name}`, async () => {
        arrived = 0
        proxy.tokens.asked.length = 0
        answer = phase.answer ?? (() => undefined)
        proxy.tokens.answer = phase.token ?? (() => TEST_TOKEN)
        const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => openSocket(proxy.port)))
        for (const socket of sockets) {
          socket.on('error', () => socket.destroy())
          socket.resume().write(phase.bytes())
        }
        await until('the phase is reached', () => phase.reached(sockets)).finally(() => {
          // Not for the next test to find.
          if (!phase.reached(sockets)) sockets.forEach((socket) => socket.destroy())
        })
        for (const socket of sockets) leave(socket)
        await until('every client is gone', async () => (await proxy.connections()) === 0)
        await until('nothing is in flight', async () => (await proxy.metrics()).includes('requests_in_flight 0\n'))
        // A connection whose response was complete is kept for the next request; nothing else is.
        const kept = phase.name === 'between two requests' ? CLIENTS : 0
        await until(
          'no connection to a partner is left',
          () => partner.sockets.size <= kept && silent.sockets.size === 0,
        )
        answer = (_, reply) => void reply.end('ok')
        proxy.tokens.answer = () => TEST_TOKEN
        expect((await call(proxy.port, `http://${HOST}/`)).body).to.equal('ok')
        for (const socket of partner.sockets) socket.destroy()
        await until('the partner has no connection left', () => partner.sockets.size === 0)
      })

  it('logs nothing of it above debug, and keeps the process well', () => {
    expect(proxy.log()).not.to.match(/"level":"error"|internal_error/)
  })

  it('never calls a partner for a client that is gone before its token came', async () => {
    arrived = 0
    let give: (token: string) => void = () => undefined
    proxy.tokens.answer = () => new Promise((resolve) => (give = resolve))
    proxy.tokens.asked.length = 0
    const socket = await openSocket(proxy.port)
    socket.write(get())
    await until('a token is asked for', () => proxy.tokens.asked.length === 1)
    socket.destroy()
    await once(socket, 'close')
    await until('the client is gone', async () => (await proxy.connections()) === 0)
    give(TEST_TOKEN)
    answer = (_, reply) => void reply.end('ok')
    proxy.tokens.answer = () => TEST_TOKEN
    await call(proxy.port, `http://${HOST}/`)
    expect(arrived).to.equal(1)
  })
})

/** Writes as fast as it is read. */
function endless(_: IncomingMessage, reply: ServerResponse): void {
  const more = (): void => {
    while (reply.write(BLOCK));
  }
  reply.on('drain', more)
  more()
}
