import { endsInNumber } from '../contract.ts'
import { parseIpv4, parseIpv6 } from '../contract/ip.ts'

/** Where a request wants to go, in its one spelling. RFC 9112 §3.2.2. */
export interface Target {
  readonly scheme: Scheme
  /** Lower case, no trailing dot; an IPv6 address without brackets. */
  readonly host: string
  /** Whether the host is an IP literal. */
  readonly literal: boolean
  readonly port: number
}

export type Scheme = 'http' | 'https'

export const DEFAULT_PORT: Readonly<Record<Scheme, number>> = { http: 80, https: 443 }

/** An underscore is no host name character, but names with one resolve and are in use. */
const NAME = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/
const LONGEST_NAME = 254
/** SECURITY: no userinfo, no percent encoding, no white space, nothing outside ASCII gets past these two. */
const ABSOLUTE = /^(https?):\/\/([^/?#]*)$/i
const AUTHORITY = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([A-Za-z0-9._-]+))(?::(\d{0,5}))?$/

/** Parses `http://host:port` or `https://host:port`. @returns undefined for anything else. */
export function parseOrigin(text: string): Target | undefined {
  const match = ABSOLUTE.exec(text)
  if (!match?.[1] || match[2] === undefined) return undefined
  const scheme = match[1].toLowerCase() as Scheme
  const authority = parseAuthority(match[2], DEFAULT_PORT[scheme])
  return authority && { scheme, ...authority }
}

/** Parses `host`, `host:port` or `[IPv6]:port`. */
export function parseAuthority(text: string, defaultPort: number): Omit<Target, 'scheme'> | undefined {
  const match = AUTHORITY.exec(text)
  if (!match) return undefined
  const port = match[3] === undefined || match[3] === '' ? defaultPort : Number(match[3])
  if (port < 1 || port > 65535) return undefined
  const host = match[1] === undefined ? parseName(match[2] as string) : parseBracketed(match[1])
  return host && { ...host, port }
}

type Host = Pick<Target, 'host' | 'literal'>

function parseBracketed(text: string): Host | undefined {
  return parseIpv6(text) === undefined ? undefined : { host: text.toLowerCase(), literal: true }
}

function parseName(text: string): Host | undefined {
  const name = text.toLowerCase()
  if (name.length > LONGEST_NAME || !NAME.test(name)) return undefined
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  if (!endsInNumber(host.split('.'))) return { host, literal: false }
  // SECURITY: getaddrinfo reads 127.1 and 0x7f.1 as addresses; only the canonical spelling is one here.
  return parseIpv4(host) === undefined ? undefined : { host, literal: true }
}

/** @returns the origin as a URL has it: no default port, an IPv6 address in brackets. RFC 6454 §6.2. */
export function formatOrigin({ scheme, host, port }: Omit<Target, 'literal'>): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `${scheme}://${name}${port === DEFAULT_PORT[scheme] ? '' : `:${port}`}`
}

/** Splits an absolute-form target. @returns the part before the path, and the path with its query, never empty. */
export function splitTarget(target: string): { readonly origin: string; readonly path: string } | undefined {
  const authority = target.indexOf('//') + 2
  if (authority < 2) return undefined
  const slash = target.indexOf('/', authority)
  const query = target.indexOf('?', authority)
  const end = query !== -1 && (slash === -1 || query < slash) ? query : slash
  if (end === -1) return { origin: target, path: '/' }
  const path = target.slice(end)
  return { origin: target.slice(0, end), path: path.startsWith('/') ? path : `/${path}` }
}

/** Whether an absolute-form target has neither path nor query: with OPTIONS it is about the whole server, `*` for it. RFC 9112 §3.2.4. */
export function isOriginAlone(target: string): boolean {
  return ABSOLUTE.test(target)
}

/** SECURITY: a path is forwarded as it came, so it may hold nothing that a server could take for the end of it. */
export function isForwardablePath(path: string): boolean {
  return !/[^\x21-\x7e]|#/.test(path)
}
