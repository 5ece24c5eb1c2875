import type { Server as HttpServer } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import { LINGER_MS, reset } from './reset.ts'

/** How many connections a server keeps open, half TLS handshakes included. */
export interface ConnectionLimits {
  readonly total: number
  /** From one address. */
  readonly perPeer: number
}

interface Connection {
  /** As it was accepted. */
  readonly socket: Socket
  /** What is spoken on: the same, or TLS on top of it. */
  top: Socket
  readonly peer: string
  /** Whether a request on it was answered. */
  proven: boolean
  /** Runs from its end until its reset. */
  late?: NodeJS.Timeout
  /** Whether it is closed for good. */
  isReset: boolean
}

/**
 * Bounds the connections of a server. A new one is always taken: where there is no room, the oldest that never got an answer makes way,
 * else the oldest. SECURITY: somebody who opens connections and says nothing ends them for himself, not for others.
 */
export function boundConnections(server: HttpServer, { total, perPeer }: ConnectionLimits): void {
  // In the order in which they came.
  const open = new Set<Connection>()
  // TLS puts another socket on top of the accepted one; both have the same addresses.
  const byAddresses = new Map<string, Connection>()
  const peers = new Map<string, number>()

  const forget = (connection: Connection): void => {
    if (!open.delete(connection)) return
    const left = (peers.get(connection.peer) ?? 1) - 1
    if (left > 0) peers.set(connection.peer, left)
    else peers.delete(connection.peer)
  }
  const makeRoom = (peer: string | undefined): void => {
    const candidates = [...open].filter((connection) => connection.peer === peer)
    const victim = candidates.find(({ late }) => late) ?? candidates.find(({ proven }) => !proven) ?? candidates[0]
    if (!victim) return
    forget(victim)
    end(victim)
  }

  const accepting: NetServer = server
  accepting.on('connection', (socket: Socket) => {
    const peer = socket.remoteAddress ?? ''
    if ((peers.get(peer) ?? 0) >= perPeer) makeRoom(peer)
    else if (open.size >= total) makeRoom(busiest(peers))
    const addresses = addressesOf(socket)
    const connection: Connection = { socket, top: socket, peer, proven: false, isReset: false }
    lingerAtEnd(connection)
    open.add(connection)
    byAddresses.set(addresses, connection)
    peers.set(peer, (peers.get(peer) ?? 0) + 1)
    socket.once('close', () => {
      clearTimeout(connection.late)
      forget(connection)
      if (byAddresses.get(addresses) === connection) byAddresses.delete(addresses)
    })
  })
  server.on('secureConnection', (top: Socket) => {
    const connection = byAddresses.get(addressesOf(top))
    if (connection) connection.top = top
  })
  // Node would close it.
  server.on('timeout', (top: Socket) => {
    const connection = byAddresses.get(addressesOf(top))
    if (connection) end(connection)
  })
  server.on('request', ({ socket }, response) => {
    const connection = byAddresses.get(addressesOf(socket))
    response.once('finish', () => {
      if (connection) connection.proven = true
    })
  })
}

/**
 * Has Node end a connection by a FIN, and a reset a moment later, instead of closing it. SECURITY: of one that is closed the kernel keeps what
 * its client has not read for minutes, in the memory of the pod, and no bound counts it any more. Every way to close leads through `destroy`,
 * that of TLS as well, and Node has no SO_LINGER.
 */
function lingerAtEnd(connection: Connection): void {
  const { socket } = connection
  const close = socket.destroy.bind(socket)
  const closeByReset = socket.resetAndDestroy.bind(socket)
  // Of a flood of requests, all that were read would wait as well.
  socket.resetAndDestroy = () => {
    connection.isReset = true
    return closeByReset()
  }
  socket.destroy = (error?: NodeJS.ErrnoException) => {
    // Of the kernel: there is nothing left to send.
    if (error?.syscall !== undefined || connection.isReset) return close(error)
    if (connection.late) return socket
    connection.late = setTimeout(() => end(connection), LINGER_MS)
    const { top } = connection
    // TLS has sent a FIN of its own, or has yet to write; a FIN that waits could not be followed by a reset.
    if (top === socket || (!top.writableEnded && top.writableLength === 0)) socket.end()
    // Nobody looks at what else the client sends.
    return socket.pause()
  }
}

function end(connection: Connection): void {
  clearTimeout(connection.late)
  connection.isReset = true
  reset(connection.top)
}

const addressesOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  [remoteAddress, remotePort, localAddress, localPort].join(' ')

/** @returns the address with the most connections. */
function busiest(peers: ReadonlyMap<string, number>): string | undefined {
  let most: readonly [peer: string, count: number] | undefined
  for (const entry of peers) if (!most || entry[1] > most[1]) most = entry
  return most?.[0]
}
