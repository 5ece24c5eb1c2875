import type { Route } from '../contract.ts'
import { readHostPattern } from '../contract.ts'
import type { SubjectTokenSpec } from '../tokens/exchanges/exchange.ts'
import { tokenSpecOf } from '../tokens/sources.ts'
import type { TokenRequest, UnlistedHost } from '../tokens/token-request.ts'
import { tokenRequest } from '../tokens/token-request.ts'
import { DEFAULT_PORT } from './target.ts'
import type { Scheme } from './target.ts'

/** A host that gets a token. */
export interface Rule {
  readonly route: Route
  /** The only port of this host that is called. */
  readonly port: number
  /** How it is called. SECURITY: https, unless the operator allowed plaintext upstreams. */
  readonly scheme: Scheme
  readonly token: TokenRequest
}

/** The allow-list, compiled. */
export interface Rules {
  /** @returns the rule of a host in its one spelling: its own before a wildcard, a longer wildcard before a shorter one. */
  match(host: string): Rule | undefined
}

interface Compiled {
  readonly route: Route
  readonly port: number
}

/** In place of a host: any name, on the default port. SECURITY: only standalone mode takes it, where the operator wrote it. */
export const ANY_HOST = '*'

/** Compiles routes into lookups whose cost does not grow with their number. */
export function compileRules(routes: readonly Route[], scheme: Scheme = 'https'): Rules {
  const exact = new Map<string, Compiled>()
  const suffixes = new Map<string, Compiled>()
  let any: Compiled | undefined
  for (const route of routes) {
    for (const text of route.hosts) {
      if (text === ANY_HOST) {
        any = { route, port: DEFAULT_PORT[scheme] }
        continue
      }
      const { host, wildcard, port } = readHostPattern(text)
      const table = wildcard ? suffixes : exact
      table.set(host, { route, port })
    }
  }
  return {
    match: (host) => {
      const listed = exact.get(host)
      const found = listed ?? longestSuffix(suffixes, host) ?? any
      if (!found) return undefined
      const unlisted = listed || found.route.audience.length > 0 ? undefined : { host, port: found.port }
      return { ...found, scheme, token: tokenFor(found.route, host, scheme, unlisted) }
    },
  }
}

/** SECURITY: starts after the first dot, so that `*.example.com` never matches `example.com` or `badexample.com`. */
function longestSuffix(suffixes: ReadonlyMap<string, Compiled>, host: string): Compiled | undefined {
  if (suffixes.size === 0) return undefined
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) {
    const found = suffixes.get(host.slice(dot + 1))
    if (found) return found
  }
  return undefined
}

/** @returns the tokens that can be asked for before any request: those whose audience does not depend on a wildcard's host. */
export function staticTokenRequests(routes: readonly Route[], scheme: Scheme = 'https'): readonly TokenRequest[] {
  return routes.flatMap((route) => {
    const patterns = route.hosts.filter((text) => text !== ANY_HOST).map(readHostPattern)
    const exact = patterns.filter(({ wildcard }) => !wildcard)
    const hosts = route.audience.length > 0 ? [''] : exact.map(({ host }) => host)
    return hosts.map((host) => tokenFor(route, host, scheme))
  })
}

/** @returns where the tokens of these routes come from: what has to be there before any request. */
export function sourcesOf(routes: readonly Route[]): readonly SubjectTokenSpec['source'][] {
  return [...new Set(routes.map(({ source }) => source))]
}

function tokenFor(route: Route, host: string, scheme: Scheme, unlisted?: UnlistedHost): TokenRequest {
  const audience = route.audience.length > 0 ? route.audience : [`${scheme}://${host}`]
  return tokenRequest(route.name, tokenSpecOf(route, audience), unlisted)
}
