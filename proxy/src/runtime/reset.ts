import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/** How long a client may take to read what it was sent last. */
export const LINGER_MS = 1_000

/**
 * Ends a connection, and TLS on it, by RST. SECURITY: of one that is closed the kernel keeps what its peer has not read for minutes, in the
 * memory of the pod, without a process that it belongs to, and no bound counts it any more. Not for a peer that may still be reading a
 * complete answer, which it would lose.
 * A TLS client of Node's has no connection that could be reset; its peer misses the close_notify.
 */
export function reset(socket: Duplex): void {
  const layers = isConnection(socket) ? layersOf(socket) : []
  const carrier = layers.at(-1)
  if (!carrier || isSecure(carrier)) {
    socket.destroy()
    return
  }
  if (carrier.destroyed) return
  // While a FIN waits for its turn a socket cannot be reset (EINVAL), and Node would lose its descriptor. That of TLS may wait for the client.
  const ending = layers.find(isEnding)
  if (!ending) {
    carrier.resetAndDestroy()
    return
  }
  const late = setTimeout(() => carrier.destroy(), LINGER_MS)
  carrier.once('close', () => clearTimeout(late))
  ending.once('finish', () => carrier.resetAndDestroy())
}

/** @returns the socket, and what carries its TLS, for which Node has no public name. */
function layersOf(socket: Socket): readonly Socket[] {
  const { _parent: carrier } = socket as Socket & { readonly _parent?: Socket | null }
  return isSecure(socket) && carrier ? [socket, ...layersOf(carrier)] : [socket]
}

const isConnection = (socket: Duplex): socket is Socket => 'resetAndDestroy' in socket

const isSecure = (socket: Socket): boolean => 'encrypted' in socket

const isEnding = ({ writableEnded, writableFinished, writableLength }: Socket): boolean =>
  writableEnded && !writableFinished && writableLength === 0
