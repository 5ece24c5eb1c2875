import type { IncomingMessage } from 'node:http'
import { ReviewError } from '../errors.ts'

export interface BodyLimits {
  readonly bytes: number
  /** A body that arrives more slowly ends; looked at every second, from the second one on. */
  readonly bytesPerSecond: number
}

/** A body that is arriving. */
export interface ArrivingBody {
  /**
   * The body as UTF-8 text; JSON between systems is nothing else (RFC 8259 §8.1). What is left of a refused body, Node reads and drops.
   * @throws ReviewError too-large, too-slow or unreadable, or what it was ended with.
   */
  readonly text: Promise<string>
  /** Ends it early; what has arrived is let go. */
  end(error: ReviewError): void
}

/** Reads a body. @param onBytes called with the size of each piece as it arrives. */
export function readBody(request: IncomingMessage, limits: BodyLimits, onBytes: (bytes: number) => void): ArrivingBody {
  const { promise: text, resolve, reject } = Promise.withResolvers<string>()
  let chunks: Buffer[] = []
  let size = 0
  let seconds = 0
  const look = setInterval(() => {
    seconds += 1
    if (size < (seconds - 1) * limits.bytesPerSecond) end(new ReviewError('too-slow'))
  }, 1_000)
  const stop = (): void => {
    clearInterval(look)
    request.off('data', onData)
    chunks = []
  }
  const end = (error: ReviewError): void => {
    stop()
    reject(error)
  }
  const onData = (chunk: Buffer): void => {
    size += chunk.length
    if (size > limits.bytes) {
      end(new ReviewError('too-large'))
      return
    }
    chunks.push(chunk)
    onBytes(chunk.length)
  }
  // Not decompressed: a small body could become a large one.
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') end(new ReviewError('unreadable'))
  else if (Number(request.headers['content-length']) > limits.bytes) end(new ReviewError('too-large'))
  else
    request
      .on('data', onData)
      .once('end', () => {
        resolve((chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)).toString())
        stop()
      })
      .once('error', (cause) => end(new ReviewError('unreadable', cause)))
  return { text, end }
}
