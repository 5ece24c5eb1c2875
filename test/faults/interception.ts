// A client of the sidecar means harm to the port on which it stands in for the partner. Real requests must be answered all the same.
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { END_HEADERS, END_STREAM, FRAME, PREFACE, frame, getFields } from '../support/proxy/http2-frames.ts'
import { PARTNER_HOST } from '../support/stack/stack.ts'
import type { Attack } from './attack.ts'
import { ATTACKER, probe, underAttack } from './attack.ts'
import type { FaultRow } from './row.ts'
import { megabytes, memory, secureLoad, settled, withInterception } from './scenario.ts'

/** Connections of one attack; the port takes 1,024. */
const MANY = 1_000
/** Of an attack that costs the attacker as much as the sidecar. */
const HANDSHAKES = 50
const RESETTING = 10
/** Streams of a connection that are reset at a time. */
const RESETS = 200
const REQUESTS_MEANWHILE = 20

interface Target {
  readonly port: number
  /** Of the partner. */
  readonly authority: string
  /** PEM. */
  readonly anchor: string
}

/** The first message of a TLS client, cut off. */
const HALF_HELLO = Buffer.from([0x16, 3, 1, 2, 0, 1, 0])

/** Asks for a tunnel to the partner. @param early what is sent in the same write. */
function tunnel({ port, authority }: Target, early: Buffer | string = ''): Socket {
  const socket = connect({ port, ...ATTACKER })
  const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`
  return socket.once('connect', () => socket.write(Buffer.concat([Buffer.from(head), Buffer.from(early)])))
}

/** Has TLS with the sidecar in place of the partner. @returns the connection below. */
function secured(target: Target, protocol: string, done: (secure: TLSSocket) => void): Socket {
  const socket = tunnel(target)
  socket.once('data', () => {
    const secure = connectTls({ socket, servername: PARTNER_HOST, ca: target.anchor, ALPNProtocols: [protocol] })
    secure.on('error', () => socket.destroy()).resume()
    secure.once('secureConnect', () => done(secure))
  })
  return socket
}

/** Streams that are reset as soon as they are opened. @param from number of the first. */
function resets(authority: string, from: number): Buffer {
  const cancel = Buffer.from([0, 0, 0, 8])
  return Buffer.concat(
    Array.from({ length: RESETS }, (_, index) => {
      const id = 2 * (from + index) + 1
      const head = frame(FRAME.headers, END_HEADERS | END_STREAM, id, getFields(authority))
      return Buffer.concat([head, frame(FRAME.rstStream, 0, id, cancel)])
    }),
  )
}

/** What comes next on a connection of the third attack. */
const next = new WeakMap<Socket, () => void>()

const ATTACKS: readonly Attack<Target>[] = [
  {
    id: 'silent',
    fault: `${MANY} connections ask the sidecar for a tunnel to an intercepted partner, and say nothing in it.`,
    connections: MANY,
    open: (target) => tunnel(target),
  },
  {
    id: 'half-handshakes',
    fault: `${MANY} connections begin a TLS handshake with the sidecar in place of the partner, and stop in the midst of it.`,
    connections: MANY,
    open: (target) => tunnel(target, HALF_HELLO),
  },
  {
    id: 'handshakes',
    fault: `${HANDSHAKES} connections at a time finish a TLS handshake with the sidecar in place of the partner and leave, and others come in their place.`,
    connections: HANDSHAKES,
    open: (target) => secured(target, 'http/1.1', (secure) => secure.destroy()),
  },
  {
    id: 'half-prefaces',
    fault: `${HANDSHAKES} connections at a time agree on HTTP/2 with the sidecar in place of the partner, and send half a preface.`,
    connections: HANDSHAKES,
    open: (target) => secured(target, 'h2', (secure) => secure.write(PREFACE.subarray(0, PREFACE.length / 2))),
  },
  {
    id: 'rapid-reset',
    fault: `${RESETTING} connections of HTTP/2 reset ${RESETS} streams at a time as soon as they have opened them, again and again.`,
    connections: RESETTING,
    open: (target) => {
      let from = 0
      const socket = secured(target, 'h2', (secure) => {
        const more = (): void => {
          secure.write(resets(target.authority, from))
          from += RESETS
        }
        secure.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]))
        next.set(socket, more)
        more()
      })
      return socket
    },
    goOn: (socket) => next.get(socket)?.(),
  },
]

export const ROWS: readonly FaultRow[] = ATTACKS.map((attack) => ({
  id: `intercept-${attack.id}`,
  fault: attack.fault,
  invariant: `${REQUESTS_MEANWHILE} real requests, each on a new connection, are answered meanwhile, and the probes with 200; what does not go on is ended.`,
  run: () =>
    withInterception({}, async (stack, { anchor }) => {
      const request = { requests: 1, concurrency: 1 }
      await secureLoad(stack, anchor(), request)
      const target = { port: stack.proxyPort, authority: new URL(stack.url).host, anchor: anchor() }
      await underAttack(attack, target, REQUESTS_MEANWHILE, async () => {
        expect(await secureLoad(stack, anchor(), request)).to.deep.equal({ 200: 1 })
        expect(await probe(`127.0.0.1:${stack.adminPort}`)).to.equal(200)
      })
      await settled(stack)
      return `${REQUESTS_MEANWHILE} × 200, connections of the attack ended, ${megabytes(await memory(stack))} MiB`
    }),
}))
