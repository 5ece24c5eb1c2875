import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

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

export interface TunnelsDeps {
  /** Silence in both directions after which a tunnel ends. */
  readonly idleMs: number
  readonly now: () => number
  readonly onOpened: (ends: Ends) => void
  readonly onClosed: (ends: Ends) => void
}

export interface Tunnels {
  /** Passes bytes both ways from now on. Both sockets are open, and nobody else listens to their data. */
  join(ends: Omit<Ends, 'openedMs'>): void
  /** Ends them all, whatever they are doing, and every one to come. @returns how many there were. */
  destroy(): number
}

/** Creates the book of open tunnels. */
export function createTunnels({ idleMs, now, onOpened, onClosed }: TunnelsDeps): Tunnels {
  const open = new Set<Ends>()
  let isOver = false
  return {
    join: (pair) => {
      const ends: Ends = { ...pair, openedMs: now() }
      const { client, upstream } = ends
      open.add(ends)
      onOpened(ends)
      const closed = (): void => {
        if (client.closed && upstream.closed && open.delete(ends)) onClosed(ends)
      }
      follow(client, upstream, idleMs, closed)
      follow(upstream, client, idleMs, closed)
      if (isOver) destroy(ends)
    },
    destroy: () => {
      isOver = true
      open.forEach(destroy)
      return open.size
    },
  }
}

function destroy({ client, upstream }: Ends): void {
  client.destroy()
  upstream.destroy()
}

/** What happens to one side happens to the other: its bytes, its end, and its breaking. */
function follow(from: Socket, to: Socket, idleMs: number, closed: () => void): void {
  from.setTimeout(idleMs, () => from.destroy())
  from.on('error', ignore)
  from.pipe(to)
  from.once('close', (broken: boolean) => {
    if (broken) breakOff(to)
    // The last bytes may still be on their way; nothing can come back any more.
    else to.destroySoon()
    closed()
  })
}

/** A broken connection is passed on as broken: its peer must not take a part for the whole. In TLS a missing close_notify says so. */
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
