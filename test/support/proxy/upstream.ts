import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { ServerOptions } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo, Server as NetServer, Socket } from 'node:net'
import type { KeyPair } from '../certificates.ts'

/** A server of a partner's, or of a host without a rule. */
export interface Upstream {
  readonly port: number
  /** Connections open now. */
  readonly sockets: ReadonlySet<Socket>
  /** Connections accepted since the start. */
  accepted(): number
  close(): Promise<void>
}

/** More than the proxy lets through. */
const OPTIONS = { keepAliveTimeout: 60_000, maxHeaderSize: 128 * 1024 }

/** Starts an HTTP upstream; with a key pair it speaks TLS. @param port 0: a free one. */
export function startUpstream(
  listener: RequestListener,
  pair?: KeyPair & ServerOptions,
  onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
  port = 0,
): Promise<Upstream> {
  const server: Server = pair ? createTlsServer({ ...pair, ...OPTIONS }, listener) : createServer(OPTIONS, listener)
  if (onUpgrade) server.on('upgrade', onUpgrade)
  return observe(server, { host: '127.0.0.1', port })
}

/** Starts an upstream that sees and says bytes. @param port 0: a free one. */
export function startRawUpstream(onSocket: (socket: Socket) => void, port = 0): Promise<Upstream> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => socket.destroy())
    onSocket(socket)
  })
  return observe(server, { host: '127.0.0.1', port })
}

/** Listens, on a free port of 127.0.0.1 unless told otherwise, and keeps book of the connections. */
export async function observe(
  server: NetServer,
  { host, port }: { readonly host: string; readonly port: number } = { host: '127.0.0.1', port: 0 },
): Promise<Upstream> {
  const sockets = new Set<Socket>()
  let accepted = 0
  server.on('connection', (socket: Socket) => {
    accepted++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    accepted: () => accepted,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
