import type { Rules } from './rules.ts'
import { DEFAULT_PORT, parseAuthority } from './target.ts'

/**
 * Keeps a redirect to a rule host inside the proxy: a client that followed the partner's https:// URL would reach it without a token.
 * @returns the http:// URL that the proxy turns back into the partner's, or the value untouched.
 */
export function keepLocation(location: string, rules: Rules): string {
  const match = /^https:\/\/([^/?#]*)/i.exec(location)
  const target = match && parseAuthority(match[1] as string, DEFAULT_PORT.https)
  if (!match || !target || target.literal || rules.match(target.host)?.port !== target.port) return location
  const port = target.port === DEFAULT_PORT.https ? '' : `:${target.port}`
  return `http://${target.host}${port}${location.slice(match[0].length)}`
}
