// Fields of HTTP/2 and of HTTP/1.1, translated both ways. RFC 9113 §8.
import type { Unlocated } from '../routing/locate.ts'
import type { RawHeaders } from './headers.ts'

/** A request as it came by HTTP/2, in the words of HTTP/1.1. */
export interface Http2Request {
  readonly method: string
  readonly scheme: string
  /** `host` or `host:port`; empty when the request names none. */
  readonly authority: string
  readonly path: string
  /** Without pseudo-header fields and Host; Cookie is one field. */
  readonly headers: string[]
}

/** Fields that HTTP/2 has no use for. SECURITY: one that came through could frame a message of HTTP/1.1. RFC 9113 §8.2.2. */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])
/** RFC 9110 §5.6.2, in lower case as HTTP/2 wants it. RFC 9113 §8.2.1. */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/
/** What may be in a value: no control character but a tab, no white space around it. RFC 9113 §8.2.1, RFC 9110 §5.5. */
const VALUE = /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

/** As Node's parser of HTTP/1.1 wants it. SECURITY: a server may read `trace` as TRACE. */
const METHOD = /^(?!CONNECT$)[A-Z]+(?:-[A-Z]+)*$/

const MALFORMED: Unlocated = {
  refused: 'malformed_request',
  message: 'The fields of the request are not valid HTTP/2.',
}
const TWO_HOSTS: Unlocated = { refused: 'authority_mismatch', message: ':authority and Host name different hosts.' }

/**
 * Reads a request's field list.
 * SECURITY: nghttp2 checks most of this, too; nothing here relies on it, because the list becomes a request of HTTP/1.1.
 * @param raw as node:http2 hands it out: names and values in turn.
 * @returns why it is refused when it is malformed. RFC 9113 §8.1.1.
 */
export function requestFromHttp2(raw: RawHeaders): Http2Request | Unlocated {
  const control: Control = {}
  const headers: string[] = []
  const cookies: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    if (!VALUE.test(value)) return MALFORMED
    if (isControl(name)) {
      // Pseudo-header fields come first; each of them, and Host, comes once. RFC 9113 §8.3.
      const isLate = name !== 'host' && headers.length + cookies.length > 0
      if (isLate || control[name] !== undefined) return MALFORMED
      control[name] = value
    } else if (!isForwardable(name, value)) return MALFORMED
    else if (name === 'cookie') cookies.push(value)
    else headers.push(name, value)
  }
  // RFC 9113 §8.2.3: HTTP/1.1 wants the crumbs of a Cookie together.
  if (cookies.length > 0) headers.push('cookie', cookies.join('; '))
  return withTarget(control, headers)
}

function withTarget(
  { ':method': method, ':scheme': scheme, ':path': path, ':authority': authority, host }: Control,
  headers: string[],
): Http2Request | Unlocated {
  // SECURITY: the two must not name different hosts. RFC 9113 §8.3.1.
  if (host !== undefined && authority !== undefined && host.toLowerCase() !== authority.toLowerCase()) return TWO_HOSTS
  // CONNECT has no scheme and no path, and nobody here takes one within HTTP/2.
  if (method === undefined || !METHOD.test(method) || scheme === undefined || !path) return MALFORMED
  return { method, scheme, authority: authority ?? host ?? '', path, headers }
}

/** What names the request's target. RFC 9113 §8.3.1. */
const CONTROL = [':authority', ':method', ':path', ':scheme', 'host'] as const
type Control = Partial<Record<(typeof CONTROL)[number], string>>

/** SECURITY: a pseudo-header field that is none of these is refused, because its name is no token. */
function isControl(name: string): name is (typeof CONTROL)[number] {
  return (CONTROL as readonly string[]).includes(name)
}

function isForwardable(name: string, value: string): boolean {
  if (name === 'te') return value.toLowerCase() === 'trailers'
  return NAME.test(name) && !CONNECTION_SPECIFIC.has(name)
}

/**
 * The field list of a request to a partner.
 * @param headers end-to-end fields only, see `requestHeaders`; Host is `authority`.
 */
export function requestToHttp2(
  { method, scheme, authority, path }: Omit<Http2Request, 'headers'>,
  headers: RawHeaders,
): string[] {
  const fields = [':method', method, ':scheme', scheme, ':authority', authority, ':path', path]
  return appendLowerCase(fields, headers)
}

/** The field list of a response to a client. @param headers end-to-end fields only, see `responseHeaders`. */
export function responseToHttp2(status: number, headers: RawHeaders): string[] {
  return appendLowerCase([':status', String(status)], headers.filter(isNoTe))
}

/** A response has none; node:http2 throws at one. */
const isNoTe = (_: string, index: number, headers: RawHeaders): boolean =>
  (headers[index - (index % 2)] as string).toLowerCase() !== 'te'

/** Trailers and responses: the list without pseudo-header fields and without what HTTP/2 has no use for. */
export function fieldsFromHttp2(raw: RawHeaders): string[] {
  const kept: string[] = []
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    if (!name.startsWith(':') && !CONNECTION_SPECIFIC.has(name)) kept.push(name, raw[index + 1] as string)
  }
  return kept
}

/** Trailers for a peer that speaks HTTP/2. */
export function trailersToHttp2(headers: RawHeaders): string[] {
  return appendLowerCase([], headers)
}

function appendLowerCase(fields: string[], headers: RawHeaders): string[] {
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase()
    if (!CONNECTION_SPECIFIC.has(name)) fields.push(name, headers[index + 1] as string)
  }
  return fields
}
