// How everything leaves a pod where a firewall lets nothing out but a proxy.
import { endsInNumber } from './host-pattern.ts'
import { parseIp, reachesThisHost } from './ip.ts'
import type { Ip } from './ip.ts'
import type { Parsed, Parser } from './parsers.ts'
import { accepted, refused } from './parsers.ts'

/** A forward proxy outside of the pod. */
export interface EgressProxy {
  readonly scheme: 'http' | 'https'
  /** Lower case; an IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

const PROXY =
  'http://host:port or https://host:port of a forward proxy, without a path, a user or a password: these are read from a Secret'

/**
 * Parses the URL of an egress proxy. Its default port is the one of its scheme.
 * SECURITY: what is refused may hold a password, see `withoutSecrets`.
 */
export const egressProxy: Parser<EgressProxy> = (text) => {
  const match =
    /^(https?):\/\/(?:\[([0-9a-f:.]+)\]|([a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?)\.?)(?::(\d{1,5}))?\/?$/.exec(
      text.toLowerCase(),
    )
  if (!match) return refused(PROXY)
  const scheme = match[1] as EgressProxy['scheme']
  const host = match[2] ?? match[3] ?? ''
  const port = match[4] === undefined ? DEFAULT_PORTS[scheme] : Number(match[4])
  const isAddress = match[2] !== undefined || endsInNumber(host.split('.'))
  const isValid = port >= 1 && port <= 65_535 && (!isAddress || parseIp(host) !== undefined)
  return isValid ? accepted({ scheme, host, port }) : refused(PROXY)
}

const DEFAULT_PORTS = { http: 80, https: 443 } as const

/** @returns the URL in its one spelling, its port always there. */
export function formatEgressProxy({ scheme, host, port }: EgressProxy): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/**
 * Whoever leaves by a listener of its own comes back there, again and again. A name that DNS leads here is refused once it is resolved.
 * @param ports that the sidecar listens on; undefined for one that could not be read.
 * @returns what is allowed instead of a proxy that is such a listener, in whatever spelling (RFC 6761 §6.3); else undefined.
 */
export function objectionToOwnListener(
  { host, port }: EgressProxy,
  ports: readonly (number | undefined)[],
): string | undefined {
  const ip = parseIp(host)
  const isHere = ip ? reachesThisHost(ip) : /(?:^|\.)localhost$/.test(host)
  if (!isHere || !ports.includes(port)) return undefined
  return `another proxy: port ${port} of this pod is the sidecar itself, which would call itself without end`
}

/** Destinations that are called without the egress proxy: one entry of a NO_PROXY list. */
export type DirectDestination =
  | { readonly kind: 'everything' }
  /** @property below whether only names below it are meant, as `.suffix` and `*.suffix` say; else it and all below. */
  | { readonly kind: 'name'; readonly name: string; readonly below: boolean; readonly port: number | undefined }
  /** @property bits that an address has in common with it; all of them for a single address. */
  | { readonly kind: 'network'; readonly ip: Ip; readonly bits: number; readonly port: number | undefined }

const ENTRY = 'a host, .suffix or *.suffix, an IP address, a CIDR, 10.* or *; a host and an address may have a :port'

/**
 * Parses one entry in the forms that clients know. A name stands for itself and all below it, `.suffix` for what is below alone.
 * Source: golang.org/x/net/http/httpproxy; the forms of Java are its `http.nonProxyHosts`.
 */
export const directDestination: Parser<DirectDestination> = (text) => {
  const entry = text.toLowerCase()
  if (entry === '*') return accepted({ kind: 'everything' })
  return octets(entry) ?? cidr(entry) ?? address(entry) ?? name(entry) ?? refused(ENTRY)
}

/** Entries separated by commas or white space, as NO_PROXY has them. */
export const directDestinations: Parser<readonly DirectDestination[]> = (text) => {
  const entries: DirectDestination[] = []
  for (const item of text.match(/[^\s,]+/g) ?? []) {
    const parsed = directDestination(item)
    if (!parsed.ok) return refused(`comma separated entries, each ${parsed.allowed} (not ${item.slice(0, 100)})`)
    entries.push(parsed.value)
  }
  return accepted(entries)
}

type Attempt = Parsed<DirectDestination> | undefined

function octets(entry: string): Attempt {
  const match = /^((?:\d{1,3}\.){1,3})\*$/.exec(entry)
  if (!match?.[1]) return undefined
  const known = match[1].split('.').length - 1
  const ip = parseIp(`${match[1]}${'0.'.repeat(4 - known).slice(0, -1)}`)
  return ip ? accepted({ kind: 'network', ip, bits: 8 * known, port: undefined }) : refused(ENTRY)
}

function cidr(entry: string): Attempt {
  const match = /^([0-9a-f:.]+)\/(\d{1,3})$/.exec(entry)
  if (!match?.[1]) return undefined
  const ip = parseIp(match[1])
  const bits = Number(match[2])
  const isOneFamily = ip?.family === 6 || !match[1].includes(':')
  return ip && isOneFamily && bits <= LENGTH[ip.family]
    ? accepted({ kind: 'network', ip, bits, port: undefined })
    : refused(ENTRY)
}

const LENGTH = { 4: 32, 6: 128 } as const

function address(entry: string): Attempt {
  const match = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?$/.exec(entry) ?? /^(\d[\d.]*)(?::(\d{1,5}))?$/.exec(entry)
  const ip = parseIp(match?.[1] ?? entry)
  if (!ip) return undefined
  return withPort(match?.[2], (port) => ({ kind: 'network', ip, bits: LENGTH[ip.family], port }))
}

function name(entry: string): Attempt {
  const match = /^(\*?\.)?([a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?)\.?(?::(\d{1,5}))?$/.exec(entry)
  if (!match?.[2] || match[2].includes('..') || endsInNumber(match[2].split('.'))) return undefined
  const suffix = match[2]
  return withPort(match[3], (port) => ({ kind: 'name', name: suffix, below: match[1] !== undefined, port }))
}

function withPort(digits: string | undefined, entry: (port: number | undefined) => DirectDestination): Attempt {
  const port = digits === undefined ? undefined : Number(digits)
  return port === undefined || (port >= 1 && port <= 65_535) ? accepted(entry(port)) : refused(ENTRY)
}
