import type { Destination } from './router.ts'
import type { Rules } from './rules.ts'
import { DEFAULT_PORT, parseAuthority } from './target.ts'

/** What becomes of the value of a Location field. */
type LocationRewrite = (location: string) => string

/** @returns how the Location of a response from there is rewritten; undefined when it goes through untouched. */
export type LocationRewriting = (destination: Destination | undefined) => LocationRewrite | undefined

/**
 * Decides which redirects stay inside the proxy: those to a rule host, in responses of a rule host that was called by an http:// URL.
 * A client that followed the partner's https:// URL would reach it without a token.
 */
export function rewriteLocations(rules: Rules): LocationRewriting {
  const rewrite: LocationRewrite = (location) => keepInside(location, rules)
  return (destination) => (destination?.ruled !== undefined && destination.scheme === 'http' ? rewrite : undefined)
}

/** In standalone mode: whoever follows a redirect does so outside of this proxy. */
export const leaveLocations: LocationRewriting = () => undefined

/**
 * @returns the http:// URL that the proxy turns back into the partner's, or the value untouched. It has no port: clients that
 * tunnel plain HTTP, such as fetch of Node 22 and 24, get through to port 80 alone.
 */
function keepInside(location: string, rules: Rules): string {
  const match = /^https:\/\/([^/?#]*)/i.exec(location)
  const target = match && parseAuthority(match[1] as string, DEFAULT_PORT.https)
  if (!match || !target || target.literal || rules.match(target.host)?.port !== target.port) return location
  return `http://${target.host}${location.slice(match[0].length)}`
}
