import type { IncomingMessage } from 'node:http'
import { ReviewError } from '../errors.ts'

/**
 * Reads a body as UTF-8 text; JSON between systems is nothing else (RFC 8259 §8.1). What is left of a refused body, Node reads and drops.
 * @throws ReviewError too-large or unreadable.
 */
export function readBody(request: IncomingMessage, limitBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: ReviewError): void => {
      request.off('data', onData)
      reject(error)
    }
    const chunks: Buffer[] = []
    let size = 0
    const onData = (chunk: Buffer): void => {
      size += chunk.length
      if (size > limitBytes) refuse(new ReviewError('too-large'))
      else chunks.push(chunk)
    }
    // Not decompressed: a small body could become a large one.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') reject(new ReviewError('unreadable'))
    else if (Number(request.headers['content-length']) > limitBytes) reject(new ReviewError('too-large'))
    else
      request
        .on('data', onData)
        .once('end', () => resolve((chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)).toString()))
        .once('error', (cause) => refuse(new ReviewError('unreadable', cause)))
  })
}
