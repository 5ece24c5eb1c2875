import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

interface TurnLimits {
  /** Requests of a connection that may wait behind the one that is answered. */
  readonly most: number
  /** A connection had more, and is ended; called once. */
  readonly onFlood?: () => void
}

/** Answers a request when those before it on its connection have been answered. */
export type InTurn = (request: IncomingMessage, response: ServerResponse, answer: () => void) => void

/**
 * Pipelined requests take turns: only safe methods may run next to one another (RFC 9112 §9.3.2).
 * SECURITY: Node hands out every request as it is read, thousands of one read among them, and stops reading only when answers pile up. Without a
 * bound, a client that sends and does not wait has as many of them worked on, and held in memory, as it likes.
 */
export function createTurns({ most, onFlood = () => undefined }: TurnLimits): InTurn {
  const waiting = new WeakMap<Duplex, number>()
  return ({ socket }, response, answer) => {
    // Node gives a response the connection when it is its turn.
    if (response.socket !== null) {
      answer()
      return
    }
    // Of a connection that was ended here, Node still hands out what it had read.
    if (socket.destroyed) return
    const count = waiting.get(socket) ?? 0
    if (count >= most) {
      socket.destroy()
      onFlood()
      return
    }
    waiting.set(socket, count + 1)
    response.once('socket', () => {
      waiting.set(socket, (waiting.get(socket) ?? 1) - 1)
      answer()
    })
  }
}
