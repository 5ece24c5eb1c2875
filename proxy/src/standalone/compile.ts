import type { Route } from '../contract.ts'
import { ROUTE_DEFAULTS, formatHostPattern, parseHostPattern } from '../contract.ts'
import { ANY_HOST } from '../routing/rules.ts'
import { DEFAULT_PORT } from '../routing/target.ts'
import type { ListenAddress } from '../runtime/index.ts'
import type { StandaloneValues } from './checks.ts'

/** What standalone mode is to the rest of the proxy: the settings a sidecar has. */
export interface CompiledStandalone {
  /** One per host, so that metrics tell them apart. */
  readonly routes: readonly Route[]
  readonly unmatched: 'deny'
  readonly adminListenAddr: ListenAddress
}

/** Compiles checked settings to the rules of a sidecar: there is no second path a request could take. */
export function compileStandalone(values: StandaloneValues): CompiledStandalone {
  const hosts = values.upstreamHost === undefined ? values.allowedHosts : [values.upstreamHost]
  const token = {
    audience: [...new Set(values.tokenAudience ?? [])],
    durationSeconds: Math.floor(values.tokenDurationSeconds),
    signingAlgorithm: values.tokenSigningAlgorithm,
  }
  const routes = hosts.map((host) =>
    Object.freeze({ ...ROUTE_DEFAULTS, ...token, name: host.toLowerCase(), hosts: [spelling(host, values)] }),
  )
  return { routes, unmatched: 'deny', adminListenAddr: values.metricsListenAddr }
}

/** The one spelling that rules take, whose missing port is always 443. */
function spelling(host: string, { upstreamScheme }: StandaloneValues): string {
  if (host === ANY_HOST) return host
  const parsed = parseHostPattern(host, DEFAULT_PORT[upstreamScheme])
  if (!parsed.ok) throw new TypeError(`not a checked host: ${host}`)
  return formatHostPattern(parsed.value)
}
