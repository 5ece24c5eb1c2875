import { locateAbsolute } from './locate.ts'
import type { Locate } from './locate.ts'
import { DEFAULT_PORT, parseAuthority, parseOrigin } from './target.ts'
import type { PlainTunnel } from './tunnel.ts'

/**
 * For requests inside a tunnel: its CONNECT said where they go, and whatever they say themselves must say the same. RFC 9110 §15.5.20.
 * SECURITY: the tunnel was admitted for this host alone.
 */
export function locateInside(tunnel: PlainTunnel): Locate {
  const absolute = locateAbsolute()
  return (target, headers) => {
    const located = target.startsWith('/') ? { origin: tunnel.origin, path: target } : absolute(target, headers)
    if ('refused' in located) return located
    const hosts = headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === 'host')
    const named = [parseOrigin(located.origin), ...hosts.map((host) => parseAuthority(host, DEFAULT_PORT.http))]
    const agree = named.every((authority) => authority?.host === tunnel.host && authority.port === tunnel.port)
    return agree ? located : { refused: 'authority_mismatch' }
  }
}
