import type { Destination } from './router.ts'
import type { Rules } from './rules.ts'
import { DEFAULT_PORT, parseAuthority } from './target.ts'

/** @returns the value of a response field for the client; undefined when the field is not for it. @param name in lower case. */
export type FieldRewrite = (name: string, value: string) => string | undefined

/** @returns how the fields of a response from there are rewritten; undefined when they go through untouched. */
export type FieldRewriting = (destination: Destination | undefined) => FieldRewrite | undefined

/**
 * Decides what a client that called a partner by an http:// URL is told of a response that came over https. A client that followed the
 * https:// URL of a partner would reach it without a token, even where another route intercepts: for that it has to trust our authority.
 */
export function rewriteHttpsFields(rules: Rules): FieldRewriting {
  const rewrite: FieldRewrite = (name, value) => {
    const change = CHANGES.get(name)
    return change ? change(value, rules) : value
  }
  return (destination) => (destination?.ruled !== undefined && destination.scheme === 'http' ? rewrite : undefined)
}

/** In standalone mode: whoever follows a redirect does so outside of this proxy. */
export const leaveHttpsFields: FieldRewriting = () => undefined

type Change = (value: string, rules: Rules) => string | undefined

/** What an https response says that a client of http:// would obey to its harm. What cannot be changed is in docs/troubleshooting.md. */
const CHANGES: ReadonlyMap<string, Change> = new Map<string, Change>([
  ['location', keepInside],
  ['content-location', keepInside],
  [
    'refresh',
    (value, rules) => value.replace(REFRESH_URL, (_, before: string, url: string) => before + keepInside(url, rules)),
  ],
  ['link', (value, rules) => value.replace(LINK_URL, (_, url: string) => `<${keepInside(url, rules)}>`)],
  ['set-cookie', keepCookie],
  // A client must not obey it when it came over http. RFC 6797 §8.1.
  ['strict-transport-security', () => undefined],
])

const REFRESH_URL = /^(\s*[\d.]*\s*[;,]\s*(?:url\s*=\s*)?["']?)(https:\/\/[^"'\s]*)/i
/** RFC 8288 §3. */
const LINK_URL = /<(https:\/\/[^>]*)>/gi

/**
 * @returns the http:// URL that the proxy turns back into the partner's, or the value untouched. It has no port: clients that
 * tunnel plain HTTP, such as fetch of Node 22 and 24, get through to port 80 alone.
 */
function keepInside(url: string, rules: Rules): string {
  const match = /^https:\/\/([^/?#]*)/i.exec(url)
  const target = match && parseAuthority(match[1] as string, DEFAULT_PORT.https)
  if (!match || !target || target.literal || rules.match(target.host)?.port !== target.port) return url
  return `http://${target.host}${url.slice(match[0].length)}`
}

/**
 * A cookie that its client would never send back to an http:// URL loses `Secure`, and `SameSite=None`, which is not valid without it.
 * SECURITY: only one for the partner's own host: `Domain` reaches hosts without a rule, which are called in clear text. A prefix in the name
 * is the partner's wish that the client insists on. RFC 6265 §4.1.2, draft-ietf-httpbis-rfc6265bis §4.1.3.
 */
function keepCookie(value: string): string {
  const [pair = '', ...attributes] = value.split(';')
  if (/^\s*__(?:host|secure)-/i.test(pair) || attributes.some((attribute) => /^\s*domain\s*=\s*[^\s]/i.test(attribute)))
    return value
  if (!attributes.some(isSecure)) return value
  return [pair, ...attributes.filter((attribute) => !isSecure(attribute) && !SAME_SITE_NONE.test(attribute))].join(';')
}

const isSecure = (attribute: string): boolean => /^\s*secure\s*(?:=|$)/i.test(attribute)
const SAME_SITE_NONE = /^\s*samesite\s*=\s*none\s*$/i
