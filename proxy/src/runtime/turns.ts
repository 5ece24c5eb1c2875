import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { reset } from './reset.ts'

interface TurnLimits {
  /** Requests of a connection that may wait behind the one that is answered. */
  readonly most: number
  /** A connection had more, or longer ones, and is ended; called once. */
  readonly onFlood?: () => void
}

/** Answers a request when those before it on its connection have been answered. */
export type InTurn = (request: IncomingMessage, response: ServerResponse, answer: () => void) => void

/** Of the heads that may wait on a connection: one as long as a head may be, or many that are not. */
const MOST_BYTES = 80 * 1024
/** What a name or a value takes besides its characters. */
const STRING_BYTES = 32

interface Waiting {
  count: number
  bytes: number
  readonly isFlood: boolean
}

/** @returns about as many bytes of memory as a head takes. @param fields names and values. */
export function sizeOfHead(target: string, fields: readonly string[]): number {
  return fields.reduce((sum, { length }) => sum + length + STRING_BYTES, target.length)
}

/**
 * Pipelined requests take turns: only safe methods may run next to one another (RFC 9112 §9.3.2).
 * SECURITY: Node hands out every request as it is read, thousands of one read among them, and stops reading only when answers pile up. Without
 * bounds, a client that sends and does not wait has as many of them worked on, and held in memory, as it likes.
 */
export function createTurns({ most, onFlood = () => undefined }: TurnLimits): InTurn {
  const connections = new WeakMap<Duplex, Waiting>()
  return ({ rawHeaders, socket, url = '' }, response, answer) => {
    // Node gives a response the connection when it is its turn.
    if (response.socket !== null) {
      answer()
      return
    }
    // Of a connection that was ended here, Node still hands out what it had read.
    if (socket.destroyed) return
    const waiting = connections.get(socket) ?? { count: 0, bytes: 0, isFlood: false }
    if (waiting.isFlood) return
    const bytes = sizeOfHead(url, rawHeaders)
    if (waiting.count >= most || waiting.bytes + bytes > MOST_BYTES) {
      connections.set(socket, { ...waiting, isFlood: true })
      reset(socket)
      onFlood()
      return
    }
    waiting.count++
    waiting.bytes += bytes
    connections.set(socket, waiting)
    response.once('socket', () => {
      waiting.count--
      waiting.bytes -= bytes
      answer()
    })
  }
}
