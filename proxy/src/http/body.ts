import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** Collects a body whose length is known and small. Says nothing when the client leaves before its end. */
export function collectBody(request: IncomingMessage, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
}

/**
 * A body that passes through. It stands between the client's connection and undici, which destroys a body it no longer needs:
 * the response to a request that was answered early must still reach the client.
 */
export class PassingBody extends Readable {
  private readonly request: IncomingMessage
  private readonly onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.request.pause()
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

  /** What is left is read and dropped, as Node does with a body nobody asked for. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.request.off('data', this.onData).off('end', this.onEnd).resume()
    done(error)
  }
}
