import type { RawHeaders } from '../http/headers.ts'
import type { ErrorCode } from '../errors.ts'
import { DEFAULT_PORT, formatOrigin, parseAuthority, parseOrigin, splitTarget } from './target.ts'
import type { Target } from './target.ts'

/** Where a request says it wants to go. */
export interface Located {
  /** Scheme and authority, not yet checked. */
  readonly origin: string
  readonly path: string
  /** The fields without those that were for this proxy; absent when all of them go on. */
  readonly headers?: RawHeaders
}

export interface Unlocated {
  readonly refused: ErrorCode
  readonly message?: string
  readonly hint?: string
}

/** Reads the upstream out of a request. RFC 9112 §3.2 */
export type Locate = (target: string, headers: RawHeaders) => Located | Unlocated

/** For clients that speak through a proxy: the target is the whole URL. @param hint for those that do not. */
export const locateAbsolute =
  (hint?: string): Locate =>
  (target) => {
    const located = target.startsWith('/') ? undefined : splitTarget(target)
    return located ?? { refused: 'bad_request_target', ...(hint !== undefined && { hint }) }
  }

/**
 * For requests inside a tunnel: its CONNECT said where they go, and whatever they say themselves must say the same. RFC 9110 §15.5.20.
 * SECURITY: the tunnel was admitted for this origin alone.
 */
export function locateInside({ scheme, host, port }: Omit<Target, 'literal'>): Locate {
  const absolute = locateAbsolute()
  const origin = formatOrigin({ scheme, host, port })
  const authority = origin.slice(`${scheme}://`.length)
  const isSame = (named: Omit<Target, 'scheme'> | undefined): boolean => named?.host === host && named.port === port
  // Nearly every request spells it as we do: parsing that anew took 2 % of a request's CPU.
  const isSameHost = (name: string): boolean => name === authority || isSame(parseAuthority(name, DEFAULT_PORT[scheme]))
  const isSameOrigin = (named: Target | undefined): boolean => named?.scheme === scheme && isSame(named)
  return (target, headers) => {
    const located = target.startsWith('/') ? { origin, path: target } : absolute(target, headers)
    if ('refused' in located) return located
    const agree =
      (located.origin === origin || isSameOrigin(parseOrigin(located.origin))) && hostsOf(headers).every(isSameHost)
    return agree ? located : { refused: 'authority_mismatch' }
  }
}

/**
 * For requests of clients that take this proxy for the server itself: over plain HTTP, where Host says which. A whole URL must say the same.
 * SECURITY: whoever reaches the port may write any Host, so nothing but a partner is one.
 * @param isSteered whether a host, in its one spelling, is a partner.
 */
export function locateByHost(isSteered: (host: string) => boolean): Locate {
  const absolute = locateAbsolute()
  return (target, headers) => {
    const hosts = hostsOf(headers)
    if (target.startsWith('/') && hosts.length === 0) return NO_HOST
    const located = target.startsWith('/')
      ? { origin: `http://${hosts[0] ?? ''}`, path: target }
      : absolute(target, headers)
    if ('refused' in located) return located
    const host = parseOrigin(located.origin)
    if (host?.literal === true) return LITERAL
    const isPartner = host?.scheme === 'http' && host.port === DEFAULT_PORT.http && isSteered(host.host)
    if (!isPartner) return NO_PARTNER
    const inside = locateInside(host)
    return inside(target, headers)
  }
}

const NO_HOST: Unlocated = {
  refused: 'bad_request_target',
  message: 'The request does not say which host it is for.',
  hint: 'Send a Host field.',
}
const LITERAL: Unlocated = {
  refused: 'authority_mismatch',
  message: 'The request is for an IP address, and partners have names.',
  hint: 'Call the partner by its name.',
}
const NO_PARTNER: Unlocated = {
  refused: 'authority_mismatch',
  message: 'The request is for a host that no route has, or for another port of it.',
  hint: 'Call http://host/ with a host of the outbound-jwt.io/hosts annotation.',
}

function hostsOf(headers: RawHeaders): readonly string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'host')
}
