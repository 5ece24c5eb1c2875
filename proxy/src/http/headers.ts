// Request and response fields as they come off the wire: flat lists of name, value, name, value, in order, case and number kept.
import type { OnExisting, TokenHeader } from '../contract.ts'

/** Flat list of names and values, as `IncomingMessage.rawHeaders`: of even length, which the loops below rely on. */
export type RawHeaders = readonly string[]

export const SEVERAL_HOSTS = 'The request has more than one Host field.'

/** What one pass over the request fields finds. */
export interface RequestFields {
  readonly framing: Framing
  /** How many Host fields there are; more than one is no request. RFC 9112 §3.2. */
  readonly hosts: number
  /** Lower case names that the Connection field makes hop-by-hop. RFC 9110 §7.6.1. */
  readonly connection: ReadonlySet<string> | undefined
}

/** Length of the body: `none`, a number of bytes, `chunked` (unknown), or `ambiguous` (not to be forwarded). RFC 9112 §6.3. */
export type Framing = 'none' | 'chunked' | 'ambiguous' | number

/** Fields that concern one connection, or that a proxy or undici writes itself. */
const DROPPED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Reads framing and Connection. SECURITY: what two servers could read differently is `ambiguous`, whatever the parser let through. */
export function readFields(headers: RawHeaders): RequestFields {
  let length: string | undefined
  let coding: string | undefined
  let ambiguous = false
  let hosts = 0
  let connection: Set<string> | undefined
  for (let index = 0; index < headers.length; index += 2) {
    const value = headers[index + 1] as string
    const name = (headers[index] as string).toLowerCase()
    if (name === 'content-length') {
      ambiguous ||= length !== undefined
      length = value
    } else if (name === 'transfer-encoding') {
      ambiguous ||= coding !== undefined
      coding = value
    } else if (name === 'host') hosts++
    else if (name === 'connection') connection = addTokens(connection, value)
  }
  return { framing: ambiguous ? 'ambiguous' : framingOf(length, coding), hosts, connection }
}

/** SECURITY: other codings would be lost when the body is chunked anew for the next hop. */
function framingOf(length: string | undefined, coding: string | undefined): Framing {
  if (coding !== undefined) return length === undefined && coding.toLowerCase() === 'chunked' ? 'chunked' : 'ambiguous'
  if (length === undefined) return 'none'
  return /^\d{1,15}$/.test(length) ? Number(length) || 'none' : 'ambiguous'
}

/** `keep-alive` and `close` alone need no set: they name no field that would be forwarded. */
function addTokens(tokens: Set<string> | undefined, value: string): Set<string> | undefined {
  const lower = value.toLowerCase()
  if (lower === 'keep-alive' || lower === 'close') return tokens
  const all = tokens ?? new Set<string>()
  for (const token of lower.split(',')) all.add(token.trim())
  return all
}

/** Whether the application already sends the header our token goes into. */
export function carries(headers: RawHeaders, name: string, { connection }: RequestFields): boolean {
  const lower = name.toLowerCase()
  if (connection?.has(lower)) return false
  return headers.some((field, index) => index % 2 === 0 && field.toLowerCase() === lower)
}

/** The header of ours. Made once per token, not per request: the value is long, and copying it is what a request would pay. */
export interface Credential {
  readonly name: string
  /** The name in lower case. */
  readonly key: string
  readonly value: string
}

export function createCredential({ name, scheme }: TokenHeader, token: string): Credential {
  return { name, key: name.toLowerCase(), value: scheme === '' ? token : `${scheme} ${token}` }
}

/**
 * The fields for the next hop, Host and framing excepted: undici writes those.
 * SECURITY: whatever Connection names is dropped before ours is added, so no client can strip it.
 */
export function requestHeaders(
  headers: RawHeaders,
  { framing, connection }: RequestFields,
  credential?: Credential,
): string[] {
  const ours = credential?.key
  const kept: string[] = []
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string
    const value = headers[index + 1] as string
    const lower = name.toLowerCase()
    // TE is always named in Connection; that it asks for trailers is still true for the next hop.
    const isKept = lower === 'te' ? value.toLowerCase() === 'trailers' : isEndToEnd(lower) && !connection?.has(lower)
    if (isKept && lower !== ours) kept.push(name, value)
  }
  if (typeof framing === 'number') kept.push('content-length', String(framing))
  if (credential) kept.push(credential.name, credential.value)
  return kept
}

function isEndToEnd(name: string): boolean {
  return !DROPPED.has(name) && !name.startsWith('proxy-')
}

/** What `onExisting` makes of a request: ours replaces, the application's stays, or the request is refused. */
export function existingPolicy(onExisting: OnExisting, present: boolean): 'add' | 'leave' | 'reject' {
  if (!present || onExisting === 'replace') return 'add'
  return onExisting === 'keep' ? 'leave' : 'reject'
}

/** Response fields that concern one connection. */
const DROPPED_FROM_RESPONSE = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
])

export interface ResponseFields {
  readonly headers: string[]
  /** Whether a Content-Length came along; −1 when not. */
  readonly length: number
  /** SECURITY: `ambiguous` is not to be handed on; the application would read its body differently. */
  readonly framing: Framing
}

/**
 * The fields for the application.
 * @param maySendTrailers whether a response of unknown length will be chunked; Node refuses to announce trailers otherwise.
 * @param rewrite what becomes of a value, by the name in lower case; undefined drops the field.
 */
export function responseHeaders(
  raw: RawHeaders,
  maySendTrailers: boolean,
  rewrite: (name: string, value: string) => string | undefined = same,
): ResponseFields {
  const { connection, framing } = readFields(raw)
  const keepTrailer = maySendTrailers && framing === 'chunked'
  const headers: string[] = []
  let length = -1
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string
    const value = raw[index + 1] as string
    const lower = name.toLowerCase()
    if (DROPPED_FROM_RESPONSE.has(lower) || connection?.has(lower)) continue
    if (lower === 'trailer' && !keepTrailer) continue
    if (lower === 'content-length') length = Number(value)
    const kept = rewrite(lower, value)
    if (kept !== undefined) headers.push(name, kept)
  }
  return { headers, length, framing }
}

/**
 * Trailers that a client could take for fields of the head, or of the next response. SECURITY: they come after every check of the
 * head, and most clients merge them into it. RFC 9110 §6.5.1.
 */
const DROPPED_FROM_TRAILERS = new Set([
  ...DROPPED_FROM_RESPONSE,
  ...['content-encoding', 'content-length', 'content-location', 'content-range', 'content-type', 'host', 'link'],
  ...['location', 'refresh', 'set-cookie', 'strict-transport-security', 'te', 'trailer', 'www-authenticate'],
])

/** The trailers for the application. */
export function responseTrailers(raw: RawHeaders): string[] {
  return raw.filter((_, index) => !DROPPED_FROM_TRAILERS.has((raw[index - (index % 2)] as string).toLowerCase()))
}

const same = (_name: string, value: string): string => value

/** RFC 6750 §3.1; of several challenges one is enough. */
const INVALID_TOKEN = /\berror\s*=\s*"?invalid_token\b/i

/** Whether a response says that the token is expired, revoked or malformed. */
export function refusesToken(status: number, headers: RawHeaders): boolean {
  if (status !== 401) return false
  return headers.some(
    (value, index) =>
      index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'www-authenticate' && INVALID_TOKEN.test(value),
  )
}
