import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import type { Socket } from 'node:net'
import { until } from '../support/until.ts'

/** Another client, with an address of its own. */
export const ATTACKER = { host: '127.0.0.1', localAddress: '127.0.0.2' }

/** How a connection of an attack has ended. */
interface End {
  /** Of its error, where there was one. */
  readonly code: string | undefined
  /** Since it was opened. */
  readonly afterMs: number
  /** What it was told first. */
  readonly said: string
  /** Responses it got. */
  readonly answers: number
}

/** What is kept of the words that a connection was told. */
const SAID_CHARACTERS = 4_096

/** Connections that mean harm. */
export interface Attack<Target> {
  readonly id: string
  readonly fault: string
  /** Opens one connection of it; the other side may end it at any time. */
  readonly open: (target: Target) => Socket
  readonly connections: number
  /** Whether it was the defence in question that ended a connection. Default: any end will do. */
  readonly isDefence?: (end: End) => boolean
  /** Goes on with every connection that is open. */
  readonly goOn?: (socket: Socket) => void
}

/**
 * Keeps all connections of an attack open while real work is done; whoever is thrown out comes back.
 * @param round does the work once, and throws where it is not done.
 * @throws when the other side does not end what does not go on, by its defence.
 */
export async function underAttack<Target>(
  { open, connections, isDefence = () => true, goOn }: Attack<Target>,
  target: Target,
  rounds: number,
  round: () => Promise<unknown>,
): Promise<void> {
  const sockets = new Set<Socket>()
  let ended = 0
  const refill = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: connections - sockets.size }, () => {
        const socket = open(target)
        sockets.add(socket)
        const closed = watch(socket).then((end) => {
          sockets.delete(socket)
          if (isDefence(end)) ended += 1
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
    await until('what does not go on is ended by what is there for it', () => ended >= Math.min(connections, 3), 20_000)
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** Reads all that a connection is told. */
function watch(socket: Socket): Promise<End> {
  const began = performance.now()
  let code: string | undefined
  let said = ''
  let answers = 0
  socket
    .on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      answers += text.split('HTTP/1.1 ').length - 1
      said += text.slice(0, SAID_CHARACTERS - said.length)
    })
    .on('error', (error: NodeJS.ErrnoException) => {
      code = error.code
      socket.destroy()
    })
  return new Promise((resolve) =>
    socket.once('close', () => resolve({ code, afterMs: performance.now() - began, said, answers })),
  )
}

/** @returns the status of a probe on a connection of its own, as a kubelet sends it. */
export async function probe(adminAddress: string): Promise<number | undefined> {
  const [response] = (await once(get(`http://${adminAddress}/livez`, { agent: false }), 'response')) as [
    IncomingMessage,
  ]
  response.resume()
  return response.statusCode
}
