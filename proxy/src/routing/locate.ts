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
  return (target, headers) => {
    const located = target.startsWith('/') ? { origin, path: target } : absolute(target, headers)
    if ('refused' in located) return located
    const ofTarget = parseOrigin(located.origin)
    const hosts = headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'host')
    const named = [ofTarget, ...hosts.map((name) => parseAuthority(name, DEFAULT_PORT[scheme]))]
    const agree =
      ofTarget?.scheme === scheme && named.every((authority) => authority?.host === host && authority.port === port)
    return agree ? located : { refused: 'authority_mismatch' }
  }
}
