import { randomUUID } from 'node:crypto'
import type { PodAuthority } from './authority/authority.ts'
import { LeafRefusedError } from './authority/leaves.ts'
import type { ProxyConfig } from './config.ts'
import type { HostPattern, Route } from './contract.ts'
import type { PartnerOptions } from './doctor/partner.ts'
import { createHandler } from './http/inbound/handler.ts'
import { createProxyServer } from './http/inbound/server.ts'
import type { InsideConnections, ProxyServer } from './http/inbound/server.ts'
import type { Limits, Patience } from './http/limits.ts'
import type { MemoryBudget } from './http/memory.ts'
import { createHttp2Forwarder } from './http/outbound/http2-forwarder.ts'
import { UndiciForwarder } from './http/outbound/undici-forwarder.ts'
import { Upstreams } from './http/outbound/upstreams.ts'
import type { ResolveAll } from './http/outbound/lookup.ts'
import type { ClientCertificates, TrustAnchors } from './http/outbound/upstreams.ts'
import { createConnectionObserver } from './http/telemetry/connection-observer.ts'
import { createRequestObserver } from './http/telemetry/request-observer.ts'
import { createRouteCalls } from './http/telemetry/route-calls.ts'
import { createUnruledHosts } from './http/telemetry/unruled-hosts.ts'
import type { RouteCalls } from './http/telemetry/route-calls.ts'
import type { WriteChunk } from './http/tunnel/chunk.ts'
import { Tunnels } from './http/tunnel/tunnel.ts'
import { UnreadBook } from './http/unread.ts'
import type { ProxyMetrics } from './metrics.ts'
import type { KeyPair, Logger, Metrics } from './runtime/index.ts'
import type { AddressPolicy } from './routing/address-policy.ts'
import { compileWayOut } from './routing/egress.ts'
import { locateAbsolute } from './routing/locate.ts'
import type { Locate } from './routing/locate.ts'
import { leaveHttpsFields, rewriteHttpsFields } from './routing/https-fields.ts'
import { createRouter } from './routing/router.ts'
import type { Destination } from './routing/router.ts'
import { compileRules } from './routing/rules.ts'
import { formatOrigin } from './routing/target.ts'
import { createLocate, standaloneHints } from './standalone/locate.ts'
import type { Tokens } from './tokens/token-request.ts'
import { admitUnlisted } from './tokens/unlisted.ts'

export interface ProxyDeps {
  readonly config: ProxyConfig
  readonly upstreams: Upstreams
  /** For a listener that speaks TLS. */
  readonly certificate?: KeyPair | undefined
  /** Present when a route intercepts. */
  readonly authority?: PodAuthority | undefined
  readonly tokens: Tokens
  readonly instruments: Metrics<ProxyMetrics>['instruments']
  readonly log: Logger
  readonly limits: Limits
  /** That of `upstreams`. */
  readonly memory: MemoryBudget
  /** How tunnels pass bytes on. */
  readonly writeChunk: WriteChunk
  /** Ports this process listens on, for the address rules. */
  readonly ownPorts: readonly number[]
  /** Addresses of this machine, for the same. */
  readonly ownAddresses: readonly string[]
}

export interface Proxy extends ProxyServer {
  readonly calls: Pick<RouteCalls, 'counts'>
  /** How requests of a route connect to one of its hosts, for doctor; undefined when that is without TLS. */
  connection(route: Route, host: HostPattern): PartnerOptions | undefined
  /** Ends connections to partners; after the drain. */
  close(): Promise<void>
}

export interface UpstreamsOptions {
  readonly config: ProxyConfig
  readonly anchors: TrustAnchors
  readonly clientCertificates: ClientCertificates
  readonly limits: Limits
  readonly memory: MemoryBudget
  readonly resolve: ResolveAll
  readonly ownPorts: readonly number[]
  readonly ownAddresses: readonly string[]
  /** `user:password` for the egress proxy, as of now. Default: none. */
  readonly egressCredentials?: (() => string | undefined) | undefined
}

/** Composes what connects to partners and to token endpoints: one place for trust, addresses and name resolution. */
export function createUpstreams({ config, egressCredentials, ...options }: UpstreamsOptions): Upstreams {
  const { egressProxy: proxy, egressNoProxy } = config
  const credentials = egressCredentials ?? ((): undefined => undefined)
  return new Upstreams({
    ...options,
    addresses: addressPolicy(config, options),
    patience: patienceOf(config, options.limits),
    now: monotonicMs,
    egress: proxy && { proxy, wayOut: compileWayOut(proxy, egressNoProxy), credentials },
  })
}

const monotonicMs = (): number => performance.now()

function addressPolicy(
  { allowLocalUpstreams, steeredPorts }: ProxyConfig,
  { ownPorts, ownAddresses }: Pick<AddressPolicy, 'ownPorts' | 'ownAddresses'>,
): AddressPolicy {
  return { allowLocalUpstreams, ownPorts, steeredPorts, ownAddresses }
}

function timeoutOf({ upstreamTimeoutSeconds }: ProxyConfig): (route: Route | undefined) => number {
  return (route) => Math.round((route?.timeoutSeconds ?? upstreamTimeoutSeconds) * 1000)
}

/** Nobody chose this proxy for hosts without a rule: they are cut as late as tunnels are. */
function patienceOf(config: ProxyConfig, { bodyIdleMs, unruledMs }: Limits): (destination: Destination) => Patience {
  const timeoutMs = timeoutOf(config)
  return ({ ruled }) =>
    ruled ? { headMs: timeoutMs(ruled.route), bodyMs: bodyIdleMs } : { headMs: unruledMs, bodyMs: unruledMs }
}

/** Composes the data port out of its parts. */
export function createProxy(deps: ProxyDeps): Proxy {
  const { config, upstreams, tokens, instruments, log, limits, memory } = deps
  const now = monotonicMs
  const requestId = randomUUID
  const rules = compileRules(config.routes, config.upstreamScheme)
  const addresses = addressPolicy(config, deps)
  const router = createRouter({
    rules,
    unmatched: config.unmatched,
    addresses,
    ...(config.isStandalone && { hints: standaloneHints(config) }),
  })
  // A sidecar's application keeps its own log; writing one costs it a tenth of its throughput.
  const accessLevel = config.isStandalone ? 'info' : 'debug'
  const calls = createRouteCalls(
    config.routes.map(({ name }) => name),
    instruments.routeCalls,
  )
  // In standalone mode every request has a line anyway.
  const unruled = createUnruledHosts(log, config.isStandalone ? [] : config.routes.flatMap(({ hosts }) => hosts))
  const requests = createRequestObserver({ instruments, log, now, accessLevel, calls, unruled })
  const connections = createConnectionObserver({ instruments, log, now, calls, unruled })
  const patience = patienceOf(config, limits)
  const forwarder = createHttp2Forwarder({
    http1: new UndiciForwarder({ upstreams, onRetry: requests.retried }),
    upstream: (destination) => upstreams.of(destination),
    patience,
    onRetry: requests.retried,
  })
  const unread = new UnreadBook(memory)
  const tunnels = new Tunnels({
    idleMs: limits.tunnelIdleMs,
    now,
    write: deps.writeChunk,
    unread,
    observer: connections,
  })
  const inside: InsideConnections = new WeakMap()
  const direct = locator(config)
  const handler = createHandler({
    locate: (connection) => inside.get(connection)?.locate ?? direct,
    router,
    tokens: admitUnlisted(tokens, { resolves: (host) => upstreams.resolves(host), now }),
    forwarder,
    limits,
    memory,
    inFlight: requests.inFlight,
  })
  const server = createProxyServer({
    handler,
    exchanges: {
      observer: requests,
      now,
      requestId,
      unruledMs: limits.unruledMs + limits.silenceMarginMs,
      rewriting: config.isStandalone ? leaveHttpsFields : rewriteHttpsFields(rules),
      tokens,
      memory,
      unread,
    },
    router,
    upstreams,
    tunnels,
    inside,
    limits,
    memory,
    observer: connections,
    requestId,
    now,
    authority: deps.authority ?? NO_AUTHORITY,
    certificate: deps.certificate,
    longestTimeoutMs: Math.max(...[undefined, ...config.routes].map(timeoutOf(config))),
    tunnelDrainMs: tunnelDrainMs(config),
  })
  return {
    ...server,
    calls,
    connection: (_route, { host, port }) => {
      const destination = router.route(formatOrigin({ scheme: config.upstreamScheme, host, port }))
      if ('refused' in destination || config.upstreamScheme === 'http') return undefined
      const { dialling, egress, shown } = upstreams.of(destination)
      const target = { host, port: destination.port, timeoutMs: limits.connectMs }
      return {
        ...dialling,
        ...(shown && { shown }),
        ...(egress && { tunnel: (signal) => egress.socket(target, signal) }),
      }
    },
    close: () => {
      server.cutTunnels()
      return forwarder.close()
    },
  }
}

/** No route intercepts, so that nobody asks. */
const NO_AUTHORITY: Pick<PodAuthority, 'certificate'> = {
  certificate: () => Promise.reject(new LeafRefusedError('not_intercepted', 'no route intercepts')),
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
