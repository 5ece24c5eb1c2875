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

/** @throws when the body is too large or the client leaves before its end. */
export async function readRequest(request: IncomingMessage): Promise<Incoming> {
  const [path = '/', query = ''] = splitOnce(request.url ?? '/', '?')
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > LARGEST_BODY) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  const bytes = Buffer.concat(chunks)
  const { method = 'GET', headers, rawHeaders } = request
  return { method, path, query, headers, rawHeaders, bytes, body: bytes.toString() }
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
