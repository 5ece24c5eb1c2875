import type { Rules } from './rules.ts'
import { DEFAULT_PORT, parseAuthority } from './target.ts'

/**
 * Keeps a redirect to a rule host inside the proxy: a client that followed the partner's https:// URL would reach it without a token.
 * @returns the http:// URL that the proxy turns back into the partner's, or the value untouched. It has no port: clients that
 * tunnel plain HTTP, such as fetch of Node 22 and 24, get through to port 80 alone.
 */
export function keepLocation(location: string, rules: Rules): string {
  const match = /^https:\/\/([^/?#]*)/i.exec(location)
  const target = match && parseAuthority(match[1] as string, DEFAULT_PORT.https)
  if (!match || !target || target.literal || rules.match(target.host)?.port !== target.port) return location
  return `http://${target.host}${location.slice(match[0].length)}`
}
