import { once } from 'node:events'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'

/** One kept connection, one request at a time: cheap enough that the server is what is measured. */
export interface Connection {
  /** @returns milliseconds until the whole answer was there. @throws when it is no 200. */
  send(request: Buffer): Promise<number>
  close(): void
}

export async function openConnection(port: number, ca: string): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', ca })
  await once(socket, 'secureConnect')
  socket.setNoDelay()
  return {
    send: async (request) => {
      if (socket.destroyed) throw new Error('the server closed an idle connection')
      const started = performance.now()
      socket.write(request)
      await wholeAnswer(socket)
      return performance.now() - started
    },
    close: () => socket.destroy(),
  }
}

/** A POST of a body, ready to be written. */
export function requestBytes(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`
  return Buffer.from(head + body)
}

function wholeAnswer(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const settle = (act: () => void): void => {
      socket.off('data', onData).off('close', onClose)
      act()
    }
    const onClose = (): void => settle(() => reject(new Error('the server closed a connection in use')))
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk)
      const received = Buffer.concat(chunks)
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.subarray(0, end).toString('latin1')
      const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1])
      if (received.length < end + 4 + length) return
      if (head.startsWith('HTTP/1.1 200 ')) settle(resolve)
      else settle(() => reject(new Error(head)))
    }
    socket.on('data', onData).on('close', onClose)
  })
}

/** As many requests as the connections carry. @returns requests per second. */
export async function saturate(
  connections: readonly Connection[],
  request: Buffer,
  durationMs: number,
): Promise<number> {
  const started = performance.now()
  const end = started + durationMs
  let done = 0
  await Promise.all(
    connections.map(async (connection) => {
      while (performance.now() < end) {
        await connection.send(request)
        done += 1
      }
    }),
  )
  return (done * 1000) / (performance.now() - started)
}

/** A timer counts whole milliseconds and may fire one early; the rest is waited for awake. */
async function reached(due: number): Promise<void> {
  const whole = Math.floor(due - performance.now()) - 1
  if (whole > 0) await delay(whole)
  while (performance.now() < due) await nextTurn()
}

/** Requests at fixed times, whether earlier ones are answered or not: waiting for a free connection counts. @returns latencies, sorted. */
export async function pace(
  connections: readonly Connection[],
  request: Buffer,
  { perSecond, durationMs }: { readonly perSecond: number; readonly durationMs: number },
): Promise<readonly number[]> {
  // Who waits is served in order; a connection is handed over, not left for whoever comes.
  const free = [...connections]
  const waiting: ((connection: Connection) => void)[] = []
  const latencies: number[] = []
  const one = async (due: number): Promise<void> => {
    const connection = free.pop() ?? (await new Promise<Connection>((resolve) => waiting.push(resolve)))
    await connection.send(request)
    latencies.push(performance.now() - due)
    const next = waiting.shift()
    if (next) next(connection)
    else free.push(connection)
  }
  const started = performance.now()
  const total = Math.round((perSecond * durationMs) / 1000)
  const sent: Promise<void>[] = []
  while (sent.length < total) {
    const due = started + (sent.length * 1000) / perSecond
    await reached(due)
    sent.push(one(due))
  }
  await Promise.all(sent)
  return latencies.sort((a, b) => a - b)
}
