import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** A request as it arrived, with its whole body. */
export interface Incoming {
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** Without the question mark. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as sent. */
  readonly rawHeaders: readonly string[]
  readonly bytes: Buffer
  /** The bytes as text. */
  readonly body: string
}

/** Largest body read, in bytes; STS's own limit is far below. */
const LARGEST_BODY = 256 * 1024

/** @returns undefined when the body is too large. @throws when the client leaves before its end. */
export async function readRequest(request: IncomingMessage): Promise<Incoming | undefined> {
  const [path = '/', query = ''] = splitOnce(request.url ?? '/', '?')
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    // Read to its end all the same: a client that is still sending would not see an answer.
    if (length <= LARGEST_BODY) chunks.push(chunk)
  }
  if (length > LARGEST_BODY) return undefined
  const bytes = Buffer.concat(chunks)
  const { method = 'GET', headers, rawHeaders } = request
  return { method, path, query, headers, rawHeaders, bytes, body: bytes.toString() }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
