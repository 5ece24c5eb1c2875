import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { PROXY_CONTAINER } from '../../contract.ts'
import type { ProxyError } from '../../errors.ts'
import { reset } from '../../runtime/index.ts'

/** A response of the proxy's own. */
export interface OwnResponse {
  readonly status: number
  readonly headers: string[]
  readonly body: string
}

/** Any but the one that is refused; RFC 9110 §15.5.6 wants a list. */
const ALLOWED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'

/** The fields that say what an answer is about, whatever its form. */
export function describingFields({ code, proxyStatus }: ProxyError): string[] {
  return ['Proxy-Status', `${PROXY_CONTAINER}; error=${proxyStatus}`, 'X-Outbound-Jwt-Error', code]
}

/** What the client is told; docs/errors.md lists the codes. RFC 9209 for Proxy-Status. */
export function errorResponse(error: ProxyError, host: string, requestId: string): OwnResponse {
  const { code, message, hint, row, retryAfterSeconds } = error
  const body = `${JSON.stringify({ error: { code, message, host, requestId, retryable: row.retryable, hint } })}\n`
  const headers = [
    'Content-Type',
    'application/json',
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Cache-Control',
    'no-store',
    ...describingFields(error),
  ]
  if (row.status === 405) headers.push('Allow', ALLOWED)
  if (retryAfterSeconds !== undefined) headers.push('Retry-After', String(retryAfterSeconds))
  return { status: row.status, headers, body }
}

/**
 * Answers where there is no ServerResponse: malformed requests and CONNECT. The connection ends with it.
 * Clients show of a refused CONNECT at best the reason phrase, so that says what to do.
 */
export function refuseSocket(socket: Duplex, error: ProxyError, host: string, requestId: string): void {
  const { status, headers, body } = errorResponse(error, host, requestId)
  const fields = ['Connection', 'close', ...headers]
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''} (${error.code}: ${error.hint})\r\n`
  for (let index = 0; index < fields.length; index += 2)
    head += `${fields[index] ?? ''}: ${fields[index + 1] ?? ''}\r\n`
  socket.on('error', () => socket.destroy())
  socket.end(`${head}\r\n${body}`, () => closeInStages(socket))
}

/** How long a client may take to read a last response and to close. */
export const CLOSE_MS = 1_000

/**
 * Closes a connection whose last response is written. To close it under what the client still sends would reset it, and the
 * response with it. RFC 9112 §9.6.
 * @param cut ends it when the client takes too long. By default it loses what it has not read of a short answer.
 */
export function closeInStages(socket: Duplex, cut: (socket: Duplex) => void = reset): void {
  const timer = setTimeout(() => cut(socket), CLOSE_MS)
  socket.once('close', () => clearTimeout(timer))
  socket.once('end', () => socket.destroy())
  socket.resume()
}
