import type { Socket } from 'node:net'

/**
 * Looks at the first bytes that a client sends; whoever reads from the socket next finds them there.
 * @param done hears undefined after `ms` of silence, and nothing of a client that has left.
 * @param isEnough whether these bytes decide. Default: any do.
 */
export function peek(
  client: Socket,
  ms: number,
  done: (first: Buffer | undefined) => void,
  isEnough: (first: Buffer) => boolean = () => true,
): void {
  let first: Buffer = Buffer.alloc(0)
  const settle = (seen: Buffer | undefined): void => {
    clearTimeout(late)
    client.off('data', onData).off('close', onClose)
    // Without the pause node:http2 would lose what goes back.
    client.pause()
    if (first.length > 0) client.unshift(first)
    done(seen)
  }
  const onData = (chunk: Buffer): void => {
    first = first.length === 0 ? chunk : Buffer.concat([first, chunk])
    if (isEnough(first)) settle(first)
  }
  const onClose = (): void => clearTimeout(late)
  const late = setTimeout(() => settle(undefined), ms)
  // Of the connection's life before; what follows sets its own.
  client.setTimeout(0)
  client.on('data', onData).once('close', onClose)
}
