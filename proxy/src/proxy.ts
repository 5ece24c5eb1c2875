import { randomUUID } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import type { ProxyConfig } from './config.ts'
import type { HostPattern, Route } from './contract.ts'
import type { PartnerOptions } from './doctor/partner.ts'
import { createConnector } from './http/tunnel/connect.ts'
import { createForwarder } from './http/outbound/undici-forwarder.ts'
import { createHandler } from './http/inbound/handler.ts'
import type { Limits } from './http/limits.ts'
import { createLookup } from './http/outbound/lookup.ts'
import type { ResolveAll } from './http/outbound/lookup.ts'
import { createRequestObserver, describeFailure } from './http/telemetry/request-observer.ts'
import { createPlainTunnels } from './http/tunnel/plain.ts'
import { createPools } from './http/outbound/pools.ts'
import { createProxyServer } from './http/inbound/server.ts'
import type { ProxyServer } from './http/inbound/server.ts'
import { createTrust } from './http/outbound/trust.ts'
import type { TrustAnchors } from './http/outbound/trust.ts'
import { createTunnelObserver } from './http/telemetry/tunnel-observer.ts'
import { createTunnels } from './http/tunnel/tunnel.ts'
import { createUpgrader } from './http/tunnel/upgrade.ts'
import type { ProxyMetrics } from './metrics.ts'
import type { KeyPair, Logger, Metrics } from './runtime/index.ts'
import { mayConnect } from './routing/address-policy.ts'
import type { AddressPolicy, Connection } from './routing/address-policy.ts'
import { locateAbsolute } from './routing/locate.ts'
import type { Locate } from './routing/locate.ts'
import { keepLocation } from './routing/location-header.ts'
import { createRouter } from './routing/router.ts'
import { compileRules } from './routing/rules.ts'
import { createLocate, standaloneHints } from './standalone/locate.ts'
import type { Tokens } from './tokens/token-request.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly anchors: TrustAnchors
  /** For a listener that speaks TLS. */
  readonly certificate?: KeyPair | undefined
  readonly tokens: Tokens
  readonly instruments: Metrics<ProxyMetrics>['instruments']
  readonly log: Logger
  readonly limits: Limits
  readonly resolve: ResolveAll
  /** Ports this process listens on, for the address rules. */
  readonly ownPorts: readonly number[]
}

export interface Proxy extends ProxyServer {
  /** How requests of a route connect to one of its hosts, for doctor; undefined when that is without TLS. */
  connection(route: Route, host: HostPattern): PartnerOptions | undefined
  /** Ends connections to partners; after the drain. */
  close(): Promise<void>
}

/** Composes the data port out of its parts. */
export function createProxy(deps: ProxyDeps): Proxy {
  const { config, anchors, tokens, instruments, log, limits, resolve, ownPorts } = deps
  const now = (): number => performance.now()
  const rules = compileRules(config.routes, config.upstreamScheme)
  const addresses: AddressPolicy = { allowLocalUpstreams: config.allowLocalUpstreams, ownPorts }
  const router = createRouter({
    rules,
    unmatched: config.unmatched,
    addresses,
    ...(config.isStandalone && { hints: standaloneHints(config) }),
  })
  const observer = createRequestObserver({
    instruments,
    log,
    now,
    // A sidecar's application keeps its own log; writing one costs it a tenth of its throughput.
    accessLevel: config.isStandalone ? 'info' : 'debug',
  })
  const trust = createTrust(anchors)
  const timeoutMs = (route: Route | undefined): number =>
    Math.round((route?.timeoutSeconds ?? config.upstreamTimeoutSeconds) * 1000)
  const lookup = (connection: Connection): LookupFunction =>
    createLookup(resolve, (address) => mayConnect(address, connection, addresses))
  const pools = createPools({
    limits,
    now,
    timeoutMs: ({ ruled }) => timeoutMs(ruled?.route),
    secureContext: ({ ruled }) => trust.context(ruled?.route),
    lookup: ({ ruled, port }) => lookup({ port, ruled: ruled !== undefined }),
  })
  const forwarder = createForwarder({
    pools,
    onRetry: ({ destination }) => instruments.retries.with({ route: routeLabel(destination.ruled?.route) }).add(),
  })
  const direct = locator(config)
  const plainTunnels = createPlainTunnels()
  const handler = createHandler({
    locate: (connection) => plainTunnels.locate(connection) ?? direct,
    router,
    tokens,
    forwarder,
    limits,
    observer,
    now,
    requestId: randomUUID,
    inFlight: observer.inFlight,
    // Whoever follows one in standalone mode does so outside of this proxy.
    keepLocation: (location) => (config.isStandalone ? location : keepLocation(location, rules)),
  })
  const tunnelObserver = createTunnelObserver({ instruments, log, now })
  const tunnels = createTunnels({
    idleMs: limits.tunnelIdleMs,
    now,
    onOpened: tunnelObserver.tunnelOpened,
    onClosed: tunnelObserver.tunnelClosed,
  })
  const connector = createConnector({
    router,
    tunnels,
    limits,
    observer: tunnelObserver,
    lookup: ({ route, port }) => lookup({ port, ruled: route !== undefined }),
    requestId: randomUUID,
  })
  const server = createProxyServer({
    handler,
    connector,
    upgrader: createUpgrader({ handler, tunnels }),
    plainTunnels,
    tunnels,
    limits,
    certificate: deps.certificate,
    longestTimeoutMs: Math.max(...[undefined, ...config.routes].map(timeoutMs)),
    tunnelDrainMs: tunnelDrainMs(config),
    onTunnelsCut: tunnelObserver.tunnelsCut,
    onTlsInPlain: tunnelObserver.tlsInPlain,
    requestId: randomUUID,
    onRefused: (error, requestId) => {
      instruments.refused.with({ error_type: error.code }).add()
      // A flood of these is what the limit is for.
      if (error.code === 'overloaded') return
      log.warn('connection refused', { ...describeFailure(error), requestId })
    },
  })
  return {
    ...server,
    connection: (route, { port }) =>
      config.upstreamScheme === 'https'
        ? { secureContext: trust.context(route), lookup: lookup({ port, ruled: true }) }
        : undefined,
    close: () => {
      tunnels.destroy()
      return forwarder.close()
    },
  }
}

/** The last tenth of the shutdown is for what follows the tunnels' end. */
function tunnelDrainMs({ shutdownTimeoutSeconds, drainDelaySeconds }: ProxyConfig): number {
  return Math.max(shutdownTimeoutSeconds * 900 - drainDelaySeconds * 1000, 0)
}

function locator(config: ProxyConfig): Locate {
  if (config.isStandalone) return createLocate(config)
  return config.routes.length > 0 ? locateAbsolute() : locateAbsolute(UNCONFIGURED)
}

const UNCONFIGURED =
  'Set UPSTREAM_HOST or ALLOWED_HOSTS for requests like this one; or send the whole URL (http://host/path) to the proxy.'

const routeLabel = (route: Route | undefined): string => route?.name ?? 'none'
