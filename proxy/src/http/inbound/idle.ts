import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** Ends the connections that were idle at the call before and have been since. */
export type IdleSweep = () => void

/**
 * Watches the connections of a server. Node's own `closeIdleConnections` ends those that are idle just then, under the hands of a client
 * that is about to send its next request.
 */
export function createIdleSweep(http: Server): IdleSweep {
  const sockets = new Set<Socket>()
  function forget(this: Socket): void {
    sockets.delete(this)
  }
  http.on(http instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', forget)
  })
  // What became a tunnel is no connection of HTTP any more.
  for (const taken of ['connect', 'upgrade'])
    http.prependListener(taken, (_: IncomingMessage, socket: Socket) => sockets.delete(socket))
  const idle = new WeakMap<Socket, number>()
  return () => {
    for (const socket of sockets) {
      if (responseUnderWay(socket)) idle.delete(socket)
      else if (idle.get(socket) === socket.bytesRead) socket.destroy()
      else idle.set(socket, socket.bytesRead)
    }
  }
}

/** Node has no public name for it. */
export function responseUnderWay(socket: Duplex): ServerResponse | undefined {
  return (socket as Duplex & { readonly _httpMessage?: ServerResponse | null })._httpMessage ?? undefined
}

/** Whether the client was told that its connection ends with this response; also the only way to end some of them. Node's name is private. */
export function endsConnection(response: ServerResponse): boolean {
  return (response as ServerResponse & { readonly _last?: boolean })._last === true
}
