import type { Route } from '../contract.ts'
import type { ErrorCode } from '../errors.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import { mayConnect } from './address-policy.ts'
import type { AddressPolicy } from './address-policy.ts'
import type { Rule, Rules } from './rules.ts'
import { DEFAULT_PORT, formatOrigin, parseAuthority, parseOrigin } from './target.ts'
import type { Scheme, Target } from './target.ts'

/** Where a request goes, and what it carries there. */
export interface Destination {
  /** As the application wrote it; decides how a Location is handed back. */
  readonly scheme: Scheme
  readonly host: string
  readonly port: number
  /** As `new URL(…).origin` of the upstream; Host and SNI come from here, never from the request. */
  readonly origin: string
  /** Present: the token goes along. SECURITY: then `origin` is https, unless the operator allowed plaintext upstreams. */
  readonly ruled?: { readonly route: Route; readonly token: TokenRequest }
}

/** What a CONNECT gets. RFC 9110 §9.3.6. */
export type Tunnel = BlindTunnel | PlainTunnel | InterceptedTunnel

/** Bytes pass through, never looked at, and without a token. */
export interface BlindTunnel {
  readonly mode: 'blind'
  readonly host: string
  readonly port: number
  /** Present when the host has a rule that allows this. */
  readonly route: Route | undefined
}

/** Plain HTTP comes out of it: what some clients make of an http:// URL. */
export interface PlainTunnel extends ServedTunnel {
  readonly mode: 'plain'
}

/** TLS comes out of it, which ends here, and then requests as in a plain one: the application's https:// URL. */
export interface InterceptedTunnel extends ServedTunnel {
  readonly mode: 'intercepted'
}

/** Requests come out of it, and are served like any other. They may name its origin alone. */
export interface ServedTunnel {
  readonly scheme: Scheme
  readonly host: string
  readonly port: number
  readonly route: Route
}

export interface Refusal {
  readonly refused: ErrorCode
  /** Empty when the target does not parse. */
  readonly host: string
  /** Of the host, when its https setting is the reason. */
  readonly route?: Route
  readonly message?: string
  readonly hint?: string
}

/** What a client can do about a refusal, where that depends on how it names its upstream. */
export interface RouterHints {
  /** Default: the table's. */
  readonly hostDenied?: string
  /** @param authority the one that is allowed, its port only when it is not the scheme's own. */
  readonly portDenied: (authority: string) => string
}

interface RouterDeps {
  readonly rules: Rules
  readonly unmatched: 'passthrough' | 'deny'
  readonly addresses: AddressPolicy
  /** Default: those for clients that speak through a proxy. */
  readonly hints?: RouterHints
}

const PROXY_HINTS: RouterHints = { portDenied: (authority) => `Call http://${authority}/ instead.` }

export interface Router {
  /** @param origin the part of an absolute-form target before its path. */
  route(origin: string): Destination | Refusal
  /** @param authority the target of a CONNECT. */
  tunnel(authority: string): Tunnel | Refusal
}

/** Spellings remembered; an application calls a few partners, and a crawler must not grow the process. */
const REMEMBERED = 1024

/** Creates the decision who gets a token; destinations are remembered per spelling, because they never change. */
export function createRouter(deps: RouterDeps): Router {
  return {
    route: remember((origin) => decideRequest(origin, deps)),
    tunnel: remember((authority) => decideTunnel(authority, deps)),
  }
}

/** A Map, because a hit of an LRU cache costs every request twice as much; the spelling that came first is the first to go. */
function remember<T extends object>(decide: (spelling: string) => T | Refusal): (spelling: string) => T | Refusal {
  const remembered = new Map<string, T>()
  return (spelling) => {
    const known = remembered.get(spelling)
    if (known) return known
    const decision = decide(spelling)
    if ('refused' in decision) return decision
    if (remembered.size >= REMEMBERED) remembered.delete(remembered.keys().next().value as string)
    remembered.set(spelling, decision)
    return decision
  }
}

function decideRequest(origin: string, deps: RouterDeps): Destination | Refusal {
  const target = parseOrigin(origin)
  if (!target) return { refused: 'bad_request_target', host: '' }
  const admitted = admit(target, deps)
  if ('refused' in admitted) return admitted
  const { scheme, host, port } = target
  const { rule } = admitted
  if (!rule) return { scheme, host, port, origin: formatOrigin(target) }
  const upstream = { scheme: rule.scheme, host, port: rule.port }
  if (port !== rule.port && !isPortOfClients(target)) {
    const { portDenied } = deps.hints ?? PROXY_HINTS
    return refusePort(host, rule, portDenied(formatOrigin(upstream).slice(`${rule.scheme}://`.length)))
  }
  const { route, token } = rule
  return { scheme, host, port: rule.port, origin: formatOrigin(upstream), ruled: { route, token } }
}

/** A port is required. RFC 9110 §9.3.6. */
const NO_DEFAULT_PORT = 0

/** SECURITY: a blind tunnel to a partner carries no token, so the application must ask for one by name. */
function decideTunnel(authority: string, deps: RouterDeps): Tunnel | Refusal {
  const target = parseAuthority(authority, NO_DEFAULT_PORT)
  if (!target) return { refused: 'bad_request_target', host: '', hint: 'Send CONNECT host:port.' }
  const admitted = admit(target, deps)
  if ('refused' in admitted) return admitted
  const { host, port } = target
  const { rule } = admitted
  if (!rule) return { mode: 'blind', host, port, route: undefined }
  const { route } = rule
  const plain = { scheme: 'http', host, port } as const
  if (isPortOfClients(plain)) return { mode: 'plain', ...plain, route }
  // Without a port, because clients that tunnel plain HTTP would come back here with one.
  const hint = `Call http://${host}/ instead; the proxy speaks TLS to the partner.`
  if (port !== rule.port) return refusePort(host, rule, hint)
  if (route.https === 'refuse') return { refused: 'use_http_url', host, route, hint }
  if (route.https === 'intercept') return { mode: 'intercepted', scheme: 'https', host, port, route }
  return { mode: 'blind', host, port, route }
}

/** What concerns the host alone. @returns its rule, if it has one. */
function admit(
  { host, port, literal }: Omit<Target, 'scheme'>,
  { rules, unmatched, addresses, hints }: RouterDeps,
): { readonly rule: Rule | undefined } | Refusal {
  const rule = literal ? undefined : rules.match(host)
  if (rule) return { rule }
  if (unmatched === 'deny')
    return { refused: 'host_denied', host, ...(hints?.hostDenied !== undefined && { hint: hints.hostDenied }) }
  if (literal && !mayConnect(host, { port, ruled: false }, addresses)) return { refused: 'address_denied', host }
  return { rule }
}

/** `http://partner/` without a port is how applications call every partner, whatever its own port is. */
function isPortOfClients({ scheme, port }: Pick<Target, 'scheme' | 'port'>): boolean {
  return scheme === 'http' && port === DEFAULT_PORT.http
}

/** SECURITY: a partner's traffic leaves as its rule says, and never to a port nobody listed. */
function refusePort(host: string, rule: Rule, hint: string): Refusal {
  return { refused: 'port_denied', host, message: `${host} has a rule for port ${rule.port}.`, hint }
}
