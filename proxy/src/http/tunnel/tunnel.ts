import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { reset } from '../../runtime/index.ts'
import type { Unread, UnreadBook } from '../unread.ts'
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
  /** One of its ends did not read, and there was no memory for that. */
  tunnelLetGo(ends: Ends): void
}

interface TunnelsDeps {
  /** Silence in both directions after which a tunnel ends. */
  readonly idleMs: number
  readonly now: () => number
  readonly write: WriteChunk
  readonly unread: UnreadBook
  readonly observer: TunnelsObserver
}

interface OpenTunnel extends Ends, Unread {
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
    const { idleMs, now, observer, unread, write } = this.deps
    const tunnel: OpenTunnel = {
      mode,
      client,
      upstream,
      host,
      openedMs: now(),
      bytes: 0,
      quietLooks: 0,
      letGo: () => {
        observer.tunnelLetGo(tunnel)
        destroy(tunnel)
      },
    }
    this.open.add(tunnel)
    observer.tunnelOpened(tunnel)
    const passing = {
      write,
      held: () => unread.begin(tunnel),
      drained: () => {
        if (!isUnread(client) && !isUnread(upstream)) unread.end(tunnel)
      },
      closed: () => this.closed(tunnel),
    }
    follow(client, upstream, passing)
    follow(upstream, client, passing)
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
    this.deps.unread.end(tunnel)
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
  cut(client)
  cut(upstream)
}

/** Whether there is something for it that its peer does not read. */
const isUnread = (socket: Socket): boolean =>
  socket.writableNeedDrain || (socket.writableEnded && socket.writableLength > 0)

/** What has nothing left to write may just be ending: a reset would fail, and would free nothing. */
function cut(socket: Socket): void {
  if (socket.writableLength > 0) reset(socket)
  else socket.destroy()
}

/** What both directions of a tunnel have in common. */
interface Passing {
  readonly write: WriteChunk
  /** One side does not read. */
  readonly held: () => void
  /** It has read what there was. */
  readonly drained: () => void
  readonly closed: () => void
}

/**
 * What happens to one side happens to the other: its bytes, its end, and its breaking, because its peer must not take a part for the whole.
 * By hand, because `pipe` costs as much again as the rest of a short tunnel: it listens to ten events and lets go of them one by one.
 */
function follow(from: Socket, to: Socket, passing: Passing): void {
  // Limits of what came before the tunnel.
  from.setTimeout(0)
  from
    .on('error', ignore)
    .on('data', (chunk: Buffer) => {
      if (!passing.write(to, chunk)) hold(from, to, passing)
    })
    .on('end', () => {
      to.end()
      if (!isUnread(to)) return
      passing.held()
      // No drain is heard of any more.
      to.once('finish', passing.drained)
    })
    .on('close', (broken: boolean) => {
      if (broken) reset(to)
      // The last bytes may still be on their way; nothing can come back any more.
      else to.destroySoon()
      passing.closed()
    })
  if (to.writableNeedDrain) hold(from, to, passing)
  else from.resume()
  // It will not end again.
  if (from.readableEnded) to.end()
}

/** Until there is room again. Most tunnels never need to listen for it. */
function hold(from: Socket, to: Socket, { held, drained }: Passing): void {
  from.pause()
  held()
  to.once('drain', () => {
    drained()
    from.resume()
  })
}

/** `close` follows and knows that there was an error. */
const ignore = (): void => undefined

/** Node and undici type what they hand over as any duplex; it is the connection itself, unless a body is still to be read from it. */
export function isConnection(socket: Duplex): socket is Socket {
  return socket instanceof Socket
}
