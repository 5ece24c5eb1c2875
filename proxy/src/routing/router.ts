import type { Route } from '../contract.ts'
import type { ErrorCode } from '../errors.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import { mayConnect } from './address-policy.ts'
import type { AddressPolicy } from './address-policy.ts'
import type { Rule, Rules } from './rules.ts'
import { DEFAULT_PORT, parseOrigin } from './target.ts'
import type { Scheme, Target } from './target.ts'
import { decideTunnel } from './tunnel.ts'
import type { Tunnel } from './tunnel.ts'

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

export interface Refusal {
  readonly refused: ErrorCode
  /** Empty when the target does not parse. */
  readonly host: string
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

export interface RouterDeps {
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
    route: remember((origin) => decide(origin, deps)),
    tunnel: remember((authority) => decideTunnel(authority, deps)),
  }
}

function remember<T extends object>(decideAnew: (spelling: string) => T | Refusal): (spelling: string) => T | Refusal {
  const remembered = new Map<string, T>()
  return (spelling) => {
    const known = remembered.get(spelling)
    if (known) return known
    const decision = decideAnew(spelling)
    if ('refused' in decision) return decision
    if (remembered.size >= REMEMBERED) remembered.clear()
    remembered.set(spelling, decision)
    return decision
  }
}

function decide(
  origin: string,
  { rules, unmatched, addresses, hints = PROXY_HINTS }: RouterDeps,
): Destination | Refusal {
  const target = parseOrigin(origin)
  if (!target) return { refused: 'bad_request_target', host: '' }
  const rule = target.literal ? undefined : rules.match(target.host)
  if (rule) return decideRuled(target, rule, hints)
  if (unmatched === 'deny')
    return {
      refused: 'host_denied',
      host: target.host,
      ...(hints.hostDenied !== undefined && { hint: hints.hostDenied }),
    }
  const { scheme, host, port, literal } = target
  if (literal && !mayConnect(host, { port, ruled: false }, addresses)) return { refused: 'address_denied', host }
  return { scheme, host, port, origin: formatOrigin(scheme, host, port) }
}

/** SECURITY: a partner's traffic leaves as its rule says, and never to a port nobody listed. */
function decideRuled({ scheme, host, port }: Target, rule: Rule, hints: RouterHints): Destination | Refusal {
  const reachesRule = port === rule.port || (scheme === 'http' && port === DEFAULT_PORT.http)
  const origin = formatOrigin(rule.scheme, host, rule.port)
  if (!reachesRule)
    return {
      refused: 'port_denied',
      host,
      message: `${host} has a rule for port ${rule.port}.`,
      hint: hints.portDenied(origin.slice(`${rule.scheme}://`.length)),
    }
  const { route, token } = rule
  return { scheme, host, port: rule.port, origin, ruled: { route, token } }
}

function formatOrigin(scheme: Scheme, host: string, port: number): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `${scheme}://${name}${port === DEFAULT_PORT[scheme] ? '' : `:${port}`}`
}
