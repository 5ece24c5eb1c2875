import type { Server as HttpServer } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'

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
    const victim = candidates.find(({ proven }) => !proven) ?? candidates[0]
    if (!victim) return
    forget(victim)
    reset(victim)
  }

  const accepting: NetServer = server
  accepting.on('connection', (socket: Socket) => {
    const peer = socket.remoteAddress ?? ''
    if ((peers.get(peer) ?? 0) >= perPeer) makeRoom(peer)
    else if (open.size >= total) makeRoom(busiest(peers))
    const addresses = addressesOf(socket)
    const connection = { socket, top: socket, peer, proven: false }
    open.add(connection)
    byAddresses.set(addresses, connection)
    peers.set(peer, (peers.get(peer) ?? 0) + 1)
    socket.once('close', () => {
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
    if (connection) reset(connection)
  })
  server.on('request', ({ socket }, response) => {
    const connection = byAddresses.get(addressesOf(socket))
    response.once('finish', () => {
      if (connection) connection.proven = true
    })
  })
}

/**
 * Ends a connection and what its client has not read. SECURITY: of one that is closed the kernel keeps that for minutes, in the memory of the
 * pod, and no bound counts it any more.
 */
function reset({ socket, top }: Connection): void {
  // While its FIN waits for its turn a socket cannot be reset (EINVAL), and Node would lose its descriptor.
  const isEnding = top.writableEnded && !top.writableFinished && top.writableLength === 0
  if (isEnding) socket.destroy()
  else socket.resetAndDestroy()
}

const addressesOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  [remoteAddress, remotePort, localAddress, localPort].join(' ')

/** @returns the address with the most connections. */
function busiest(peers: ReadonlyMap<string, number>): string | undefined {
  let most: readonly [peer: string, count: number] | undefined
  for (const entry of peers) if (!most || entry[1] > most[1]) most = entry
  return most?.[0]
}
