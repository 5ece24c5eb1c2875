import type { Parsed } from './parsers.ts'
import { accepted, refused } from './parsers.ts'

/** A partner: one host, or every host below a suffix, on one TLS port. */
export interface HostPattern {
  /** Lower case, no trailing dot. For a wildcard the part after `*.`. */
  readonly host: string
  readonly wildcard: boolean
  readonly port: number
}

export const TLS_PORT = 443

const ALLOWED =
  'a DNS name (IDN as xn--) or *.suffix with at least two labels after *., with an optional :port; no IP address, no localhost'

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** RFC 1035 §2.3.4, without the trailing dot. */
const LONGEST_NAME = 253

/** Parses `host`, `host:port`, `*.suffix` or `*.suffix:port`. @param defaultPort where no port is written. */
export function parseHostPattern(text: string, defaultPort = TLS_PORT): Parsed<HostPattern> {
  const match = /^(\*\.)?([^:*]+?)\.?(?::(\d{1,5}))?$/.exec(text.toLowerCase())
  if (!match) return refused(ALLOWED + adviceOn(text))
  const wildcard = match[1] !== undefined
  const host = match[2] ?? ''
  const port = match[3] === undefined ? defaultPort : Number(match[3])
  const valid = isPartnerName(host, wildcard) && port >= 1 && port <= 65535
  return valid ? accepted({ host, wildcard, port }) : refused(ALLOWED + adviceOn(text))
}

/** The commonest mistakes: a URL, and a list that is not separated by commas. */
function adviceOn(text: string): string {
  const host = /^https?:\/\/([^/?#\s]+)/i.exec(text)?.[1]
  if (host !== undefined && parseHostPattern(host).ok) return `; did you mean ${host}?`
  return /[\s;]|^\[[^:]*$|^[^[:]+\]$/.test(text) ? '; separate hosts by commas, without brackets' : ''
}

function isPartnerName(host: string, wildcard: boolean): boolean {
  const labels = host.split('.')
  return (
    host.length <= LONGEST_NAME &&
    labels.every((label) => LABEL.test(label)) &&
    !endsInNumber(labels) &&
    labels.at(-1) !== 'localhost' &&
    (!wildcard || labels.length >= 2)
  )
}

/** @returns a pattern in its one spelling, as a route has it. @throws TypeError for anything else. */
export function readHostPattern(text: string): HostPattern {
  const parsed = parseHostPattern(text)
  if (!parsed.ok || formatHostPattern(parsed.value) !== text)
    throw new TypeError(`not a host pattern in its one spelling: ${text}`)
  return parsed.value
}

/** @returns the one spelling of a pattern: the port only when it is not 443. */
export function formatHostPattern({ host, wildcard, port }: HostPattern): string {
  return `${wildcard ? '*.' : ''}${host}${port === TLS_PORT ? '' : `:${port}`}`
}

/**
 * Whether getaddrinfo may take the name for an IPv4 address (`127.1`, `0x7f.1`).
 * Source: WHATWG URL, "ends in a number checker".
 */
export function endsInNumber(labels: readonly string[]): boolean {
  const last = labels.at(-1) ?? ''
  return /^(?:\d+|0x[0-9a-f]*)$/i.test(last)
}
