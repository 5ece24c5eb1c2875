import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import { until } from '../support/until.ts'

/** Another client, with an address of its own. */
export const ATTACKER = { host: '127.0.0.1', localAddress: '127.0.0.2' }

/** Connections that mean harm. */
export interface Attack<Target> {
  readonly id: string
  readonly fault: string
  /** Opens one connection of it; the other side may end it at any time. */
  readonly open: (target: Target) => Socket
  readonly connections: number
  /** Goes on with every connection that is open. */
  readonly goOn?: (socket: Socket) => void
}

/**
 * Keeps all connections of an attack open while real work is done; whoever is thrown out comes back.
 * @param round does the work once, and throws where it is not done.
 * @throws when the other side does not end what does not go on.
 */
export async function underAttack<Target>(
  { open, connections, goOn }: Attack<Target>,
  target: Target,
  rounds: number,
  round: () => Promise<void>,
): Promise<void> {
  const sockets = new Set<Socket>()
  let ended = 0
  const refill = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: connections - sockets.size }, () => {
        const socket = open(target)
        sockets.add(socket)
        const closed = once(socket.on('error', () => socket.destroy()).resume(), 'close').then(() => {
          sockets.delete(socket)
          ended += 1
        })
        return Promise.race([once(socket, 'connect').catch(() => undefined), closed])
      }),
    )
  try {
    for (let count = 0; count < rounds; count += 1) {
      await refill()
      for (const socket of sockets) goOn?.(socket)
      await round()
    }
    await until('what does not go on is ended', () => ended >= Math.min(connections, 3), 20_000)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** @returns the status of a probe on a connection of its own, as a kubelet sends it. */
export async function probe(adminAddress: string): Promise<number | undefined> {
  const [response] = (await once(get(`http://${adminAddress}/livez`, { agent: false }), 'response')) as [
    IncomingMessage,
  ]
  response.resume()
  return response.statusCode
}
