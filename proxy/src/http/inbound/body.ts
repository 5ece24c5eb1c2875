import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** Collects a body whose length is known and small. Says nothing when the client leaves before its end. */
export function collectBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    // The request outlives this by the time that the partner takes, and it would keep the pieces as well.
    chunks.length = 0
    done(body)
  })
}

/** How often a client whose body is held back is asked whether it is still there. */
const PROBE_MS = 1_000

/**
 * A body that passes through. It stands between the client's connection and undici, which destroys a body it no longer needs:
 * the response to a request that was answered early must still reach the client.
 */
export class PassingBody extends Readable {
  private readonly request: IncomingMessage
  private probing: NodeJS.Timeout | undefined
  private readonly onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.hold()
  }
  private readonly onEnd = (): void => {
    this.push(null)
  }

  constructor(request: IncomingMessage) {
    super({ highWaterMark: 64 * 1024 })
    this.request = request
    request.on('data', this.onData).on('end', this.onEnd)
  }

  override _read(): void {
    this.request.resume()
  }

  /** A connection that is not read says nothing of its reset; to write nothing to it fails then, and is nothing otherwise. */
  private hold(): void {
    const { request } = this
    request.pause()
    this.probing ??= setInterval(() => {
      if (request.isPaused() && request.socket.writable) request.socket.write('')
    }, PROBE_MS)
  }

  /** What is left is read and dropped, as Node does with a body nobody asked for. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.probing)
    this.request.off('data', this.onData).off('end', this.onEnd).resume()
    done(error)
  }
}
