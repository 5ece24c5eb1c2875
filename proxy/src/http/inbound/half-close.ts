import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { responseUnderWay } from './idle.ts'

/** How often clients that will send no more are looked at while their responses are under way. */
const LOOK_MS = 1_000

/**
 * Answers clients that end their side after the request (RFC 9112 §8), and drops those that have left. On the wire both look the same until
 * something is sent, so that Node takes the first for the second. TLS has no half-closed connections.
 */
export function answerHalfClosed(http: Server): void {
  if (http instanceof TlsServer) return
  // Node has no type for it.
  Object.assign(http, { httpAllowHalfOpen: true })
  const ended = new Set<Socket>()
  let isLooking = false
  http.on('connection', (socket: Socket) =>
    socket.on('end', () => {
      if (socket.destroyed || !responseUnderWay(socket)) return
      ended.add(socket)
      if (!isLooking) void look()
    }),
  )

  /** SECURITY: once for all of them, and not again within a second, however many end their side. */
  async function look(): Promise<void> {
    isLooking = true
    const held = heldConnections(await readTables())
    for (const socket of ended)
      if (socket.destroyed || !responseUnderWay(socket)) ended.delete(socket)
      else if (!held.has(keyOf(socket.remotePort, socket.localPort))) socket.destroy()
    setTimeout(() => {
      if (ended.size > 0) void look()
      else isLooking = false
    }, LOOK_MS).unref()
  }
}

/** What the kernel knows of the TCP connections of this network namespace, which is that of the pod. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

const readTables = (): Promise<readonly string[]> =>
  Promise.all(TABLES.map((path) => readFile(path, 'latin1').catch(() => '')))

/**
 * FIN_WAIT1 or FIN_WAIT2, and an inode, which ends with the last descriptor: a process still has the end that sends no more.
 * A client that the tables do not have is elsewhere, and counts as gone. Source: proc_net_tcp.rst of the kernel.
 */
const HELD = /:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) 0[45] \S+ \S+ \S+ +\d+ +\d+ [1-9]/g

const heldConnections = (tables: readonly string[]): ReadonlySet<string> =>
  new Set(
    tables.flatMap((table) => [...table.matchAll(HELD)].map(([, local = '', remote = '']) => `${local} ${remote}`)),
  )

const keyOf = (local = 0, remote = 0): string => `${hex(local)} ${hex(remote)}`
const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
