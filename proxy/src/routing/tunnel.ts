import type { Route } from '../contract.ts'
import { mayConnect } from './address-policy.ts'
import type { Refusal, RouterDeps } from './router.ts'
import type { Rule } from './rules.ts'
import { DEFAULT_PORT, parseAuthority } from './target.ts'

/** What a CONNECT gets. RFC 9110 §9.3.6. */
export type Tunnel = BlindTunnel | PlainTunnel

/** Bytes pass through, never looked at, and without a token. */
export interface BlindTunnel {
  readonly mode: 'blind'
  readonly host: string
  readonly port: number
  /** Present when the host has a rule that allows this. */
  readonly route: Route | undefined
}

/** Plain HTTP comes out of it: what some clients make of an http:// URL. Its requests are served like any other. */
export interface PlainTunnel {
  readonly mode: 'plain'
  readonly host: string
  readonly port: number
  readonly route: Route
  /** The only origin that requests inside may name. */
  readonly origin: string
}

/** A port is required. RFC 9110 §9.3.6. */
const NO_DEFAULT_PORT = 0

/** @param authority the target of a CONNECT: `host:port`. */
export function decideTunnel(authority: string, { rules, unmatched, addresses, hints }: RouterDeps): Tunnel | Refusal {
  const target = parseAuthority(authority, NO_DEFAULT_PORT)
  if (!target) return { refused: 'bad_request_target', host: '', hint: 'Send CONNECT host:port.' }
  const { host, port, literal } = target
  const rule = literal ? undefined : rules.match(host)
  if (rule) return decideRuled(host, port, rule)
  if (unmatched === 'deny')
    return { refused: 'host_denied', host, ...(hints?.hostDenied !== undefined && { hint: hints.hostDenied }) }
  if (literal && !mayConnect(host, { port, ruled: false }, addresses)) return { refused: 'address_denied', host }
  return { mode: 'blind', host, port, route: undefined }
}

/** SECURITY: a tunnel to a partner carries no token, so the application must ask for one by name. */
function decideRuled(host: string, port: number, rule: Rule): Tunnel | Refusal {
  const { route } = rule
  if (port === DEFAULT_PORT.http) return { mode: 'plain', host, port, route, origin: `http://${host}` }
  // Without a port, because clients that tunnel plain HTTP would come back here with one.
  const hint = `Call http://${host}/ instead; the proxy speaks TLS to the partner.`
  if (port !== rule.port)
    return { refused: 'port_denied', host, message: `${host} has a rule for port ${rule.port}.`, hint }
  if (route.https === 'refuse') return { refused: 'use_http_url', host, hint }
  return { mode: 'blind', host, port, route }
}
