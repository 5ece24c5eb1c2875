import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { responseUnderWay } from './idle.ts'

/** How often a client that will send no more is looked at while its response is under way. */
const LOOK_MS = 1_000

/**
 * Answers clients that end their side after the request (RFC 9112 §8), and drops those that have left. On the wire both look the same until
 * something is sent, so that Node takes the first for the second. TLS has no half-closed connections.
 */
export function answerHalfClosed(http: Server): void {
  if (http instanceof TlsServer) return
  // Node has no type for it.
  Object.assign(http, { httpAllowHalfOpen: true })
  http.on('connection', (socket: Socket) => socket.on('end', look))
}

function look(this: Socket): void {
  if (this.destroyed || !responseUnderWay(this)) return
  void isHeld(this).then((held) => {
    if (held) setTimeout(() => look.call(this), LOOK_MS).unref()
    else this.destroy()
  })
}

/** What the kernel knows of the TCP connections of this network namespace, which is that of the pod. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6']

/** @returns whether a process still has the other end. A client that the tables do not have is elsewhere, and counts as gone. */
async function isHeld({ localPort, remotePort }: Socket): Promise<boolean> {
  // FIN_WAIT1 or FIN_WAIT2, and an inode, which ends with the last descriptor. Source: proc_net_tcp.rst of the kernel.
  const row = new RegExp(`:${hex(remotePort)} [0-9A-F]+:${hex(localPort)} 0[45] \\S+ \\S+ \\S+ +\\d+ +\\d+ [1-9]`)
  const tables = await Promise.all(TABLES.map((path) => readFile(path, 'latin1').catch(() => '')))
  return tables.some((table) => row.test(table))
}

const hex = (port = 0): string => port.toString(16).toUpperCase().padStart(4, '0')
