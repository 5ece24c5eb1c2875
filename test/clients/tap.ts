import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Way } from './cases.ts'

/** A connection of a client to the proxy: what it asked for first. */
export interface Tapped {
  /** Request line. */
  readonly line: string
  /** First byte that follows the head of a CONNECT. */
  inner: number | undefined
  /** Status of the first answer. */
  status: number | undefined
}

export interface Tap {
  /** Connections since the last call. */
  take(): readonly Tapped[]
  close(): Promise<void>
}

/** Listens where HTTP_PROXY points, and passes bytes to and from the proxy as they are. */
export async function startTap(port: number, proxyPort: number): Promise<Tap> {
  let taken: Tapped[] = []
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const proxy = connect({ port: proxyPort, host: '127.0.0.1', allowHalfOpen: true })
    let tapped: Tapped | undefined
    client.on('data', (chunk: Buffer) => {
      if (tapped) tapped.inner ??= chunk[0]
      else taken.push((tapped = { line: firstLine(chunk), inner: undefined, status: undefined }))
    })
    proxy.on('data', (chunk: Buffer) => {
      if (tapped) tapped.status ??= Number(firstLine(chunk).split(' ')[1])
    })
    for (const [from, to] of [
      [client, proxy],
      [proxy, client],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy()).on('close', () => sockets.delete(from))
      from.pipe(to)
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    take: () => {
      const result = taken
      taken = []
      return result
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const firstLine = (chunk: Buffer): string => chunk.toString('latin1').split('\r\n', 1)[0] ?? ''

const TLS_HANDSHAKE = 0x16

/** @param reached whether a server saw a connection. */
export function wayOf(tapped: readonly Tapped[], reached: boolean): Way {
  const first = tapped[0]
  if (!first) return reached ? 'direct' : 'none'
  if (!first.line.startsWith('CONNECT ')) return 'absolute'
  if (first.status !== 200) return 'connect-refused'
  return first.inner === undefined || first.inner === TLS_HANDSHAKE ? 'connect' : 'connect-plain'
}
