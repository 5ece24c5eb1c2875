import { Readable } from 'node:stream'

/** The body of a client's request. */
export interface RequestBody {
  readonly source: Readable
  /** SECURITY: whether an `end` is one, or the body was cut off: half an upload must not look whole. */
  isWhole(): boolean
  /** Finds out whether a client that is not read from is still there. */
  probe(): void
}

/** Collects a body whose length is known and small. Says nothing when the client leaves before its end. */
export function collectBody(body: RequestBody, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  const onEnd = (): void => {
    if (!body.isWhole()) return
    const whole = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
    // The request outlives this by the time that the partner takes, and it would keep the pieces as well.
    chunks.length = 0
    done(whole)
  }
  body.source.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', onEnd)
}

/** How often a client whose body is held back is asked whether it is still there. */
const PROBE_MS = 1_000

/**
 * A body that passes through. It stands between the client's connection and undici, which destroys a body it no longer needs:
 * the response to a request that was answered early must still reach the client.
 */
export class PassingBody extends Readable {
  private readonly body: RequestBody
  private probing: NodeJS.Timeout | undefined
  private readonly onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.hold()
  }
  private readonly onEnd = (): void => {
    if (this.body.isWhole()) this.push(null)
  }

  constructor(body: RequestBody) {
    super({ highWaterMark: 64 * 1024 })
    this.body = body
    body.source.on('data', this.onData).on('end', this.onEnd)
    // node:http2 tells of the end of an empty body at once, whether anybody listens or the token is still being made.
    if (body.source.readableEnded) this.onEnd()
  }

  override _read(): void {
    this.body.source.resume()
  }

  private hold(): void {
    const { source } = this.body
    source.pause()
    this.probing ??= setInterval(() => {
      if (source.isPaused()) this.body.probe()
    }, PROBE_MS)
  }

  /** What is left is read and dropped, as Node does with a body nobody asked for. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.probing)
    this.body.source.off('data', this.onData).off('end', this.onEnd).resume()
    done(error)
  }
}
