import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { WriteChunk } from './chunk.ts'

/** `blind`: a CONNECT; `upgrade`: what follows a 101. */
export type TunnelMode = 'blind' | 'upgrade'

/** Two connections whose bytes are passed on as they are. */
export interface Ends {
  readonly mode: TunnelMode
  /** The application's. */
  readonly client: Socket
  /** The partner's or that of a host without a rule; connected. */
  readonly upstream: Socket
  readonly host: string
  readonly openedMs: number
}

/** Hears of every tunnel that could be opened. */
export interface TunnelsObserver {
  tunnelOpened(ends: Ends): void
  tunnelClosed(ends: Ends): void
}

interface TunnelsDeps {
  /** Silence in both directions after which a tunnel ends. */
  readonly idleMs: number
  readonly now: () => number
  readonly write: WriteChunk
  readonly observer: TunnelsObserver
}

interface OpenTunnel extends Ends {
  /** What had passed when last looked. */
  bytes: number
  /** Looks since then. */
  quietLooks: number
}

/** Looks within the time that a tunnel may be silent. Cheaper than a timer per socket, which every chunk would set again. */
const LOOKS = 60

/** NAT gateways forget connections that say nothing, AWS's after 350 s; the application's own probes end at this proxy. */
const KEEP_ALIVE_MS = 60_000

/** The book of open tunnels. */
export class Tunnels {
  private readonly deps: TunnelsDeps
  private readonly open = new Set<OpenTunnel>()
  private isOver = false
  private looking: NodeJS.Timeout | undefined

  constructor(deps: TunnelsDeps) {
    this.deps = deps
  }

  /** Passes bytes both ways from now on. Both sockets are open, and nobody else listens to their data. */
  join({ mode, client, upstream, host }: Omit<Ends, 'openedMs'>): void {
    const { idleMs, now, observer, write } = this.deps
    const tunnel = { mode, client, upstream, host, openedMs: now(), bytes: 0, quietLooks: 0 }
    this.open.add(tunnel)
    observer.tunnelOpened(tunnel)
    const onClose = (): void => this.closed(tunnel)
    follow(client, upstream, write, onClose)
    follow(upstream, client, write, onClose)
    this.looking ??= setInterval(() => this.open.forEach(lookAfter), idleMs / LOOKS)
    if (this.isOver) destroy(tunnel)
  }

  /** Ends them all, whatever they are doing, and every one to come. @returns how many there were. */
  destroy(): number {
    this.isOver = true
    this.open.forEach(destroy)
    return this.open.size
  }

  private closed(tunnel: OpenTunnel): void {
    if (!tunnel.client.closed || !tunnel.upstream.closed || !this.open.delete(tunnel)) return
    this.deps.observer.tunnelClosed(tunnel)
    if (this.open.size > 0) return
    clearInterval(this.looking)
    this.looking = undefined
  }
}

function lookAfter(tunnel: OpenTunnel): void {
  // Only for tunnels that live long enough to be looked at: it costs several calls of the system.
  tunnel.upstream.setKeepAlive(true, KEEP_ALIVE_MS)
  const bytes = tunnel.client.bytesRead + tunnel.client.bytesWritten
  if (bytes !== tunnel.bytes) {
    tunnel.bytes = bytes
    tunnel.quietLooks = 0
  } else if (++tunnel.quietLooks >= LOOKS) destroy(tunnel)
}

function destroy({ client, upstream }: Ends): void {
  client.destroy()
  upstream.destroy()
}

/**
 * What happens to one side happens to the other: its bytes, its end, and its breaking.
 * By hand, because `pipe` costs as much again as the rest of a short tunnel: it listens to ten events and lets go of them one by one.
 */
function follow(from: Socket, to: Socket, write: WriteChunk, closed: () => void): void {
  // Limits of what came before the tunnel.
  from.setTimeout(0)
  from
    .on('error', ignore)
    .on('data', (chunk: Buffer) => {
      if (!write(to, chunk)) hold(from, to)
    })
    .on('end', () => to.end())
    .on('close', (broken: boolean) => {
      if (broken) breakOff(to)
      // The last bytes may still be on their way; nothing can come back any more.
      else to.destroySoon()
      closed()
    })
  if (to.writableNeedDrain) hold(from, to)
  else from.resume()
  // It will not end again.
  if (from.readableEnded) to.end()
}

/** Until there is room again. Most tunnels never need to listen for it. */
function hold(from: Socket, to: Socket): void {
  from.pause()
  to.once('drain', () => from.resume())
}

/**
 * A broken connection is passed on as broken: its peer must not take a part for the whole. In TLS a missing close_notify says so.
 * To be called on `close`, not before: a reset in the turn in which the socket was ended fails with EINVAL, and Node then never closes it.
 */
function breakOff(socket: Socket): void {
  if (socket.destroyed) return
  if (socket instanceof TLSSocket) socket.destroy()
  else socket.resetAndDestroy()
}

/** `close` follows and knows that there was an error. */
const ignore = (): void => undefined

/** Node and undici type what they hand over as any duplex; it is the connection itself, unless a body is still to be read from it. */
export function isConnection(socket: Duplex): socket is Socket {
  return socket instanceof Socket
}
