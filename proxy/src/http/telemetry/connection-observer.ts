import type { ProxyMetrics } from '../../metrics.ts'
import type { Logger, Metrics } from '../../runtime/index.ts'
import type { ServerObserver } from '../inbound/server.ts'
import type { SteeringObserver } from '../inbound/steering.ts'
import type { InterceptionObserver } from '../tunnel/interception.ts'
import type { ConnectObserver } from '../tunnel/connect.ts'
import type { TunnelsObserver } from '../tunnel/tunnel.ts'
import { describeFailure } from './request-observer.ts'
import type { RouteCalls } from './route-calls.ts'
import type { UnruledHosts } from './unruled-hosts.ts'

interface ConnectionObserverDeps {
  readonly instruments: Metrics<ProxyMetrics>['instruments']
  readonly log: Logger
  readonly now: () => number
  readonly calls: RouteCalls
  readonly unruled: UnruledHosts
}

/** Counts and logs what happens to connections outside of requests. A refusal is a warning: it is what a client without its token looks like. */
export function createConnectionObserver({
  instruments,
  log,
  now,
  calls,
  unruled,
}: ConnectionObserverDeps): ConnectObserver &
  ServerObserver &
  SteeringObserver &
  InterceptionObserver &
  TunnelsObserver {
  const connects = {
    blind: instruments.connects.with({ result: 'blind' }),
    unauthenticated: instruments.connects.with({ result: 'unauthenticated' }),
    plain: instruments.connects.with({ result: 'plain' }),
    intercepted: instruments.connects.with({ result: 'intercepted' }),
  }
  /** By route or port: when its last line was written. */
  const toldMs = new Map<string | number, number>()
  const isTold = (about: string | number): boolean => {
    const lastMs = toldMs.get(about)
    if (lastMs !== undefined && now() - lastMs < REFUSAL_LOG_MS) return true
    toldMs.set(about, now())
    return false
  }
  const steered = {
    plain: instruments.steered.with({ result: 'plain' }),
    intercepted: instruments.steered.with({ result: 'intercepted' }),
    unrecognized: instruments.steered.with({ result: 'unrecognized_name' }),
  }
  const open = {
    blind: instruments.tunnels.with({ mode: 'blind' }),
    upgrade: instruments.tunnels.with({ mode: 'upgrade' }),
  }
  return {
    accepted: (result, { host, route }) => {
      connects[result].add()
      if (route === undefined) unruled.called(host)
      if (result === 'unauthenticated' && route !== undefined) calls.called(route, 'tunnel')
    },
    refused: (error, { host, route }, requestId) => {
      instruments.connects.with({ result: error.code }).add()
      if (error.code === 'use_http_url' && route !== undefined) calls.called(route, 'refused')
      const level = error.code === 'internal_error' ? 'error' : 'warn'
      log[level]('connect refused', { host, ...describeFailure(error), requestId })
    },
    connectionRefused: (error, requestId) => {
      instruments.refused.with({ error_type: error.code }).add()
      // A flood of these is what the limit is for.
      if (error.code === 'overloaded') return
      log.warn('connection refused', { ...describeFailure(error), requestId })
    },
    tunnelOpened: ({ mode }) => open[mode].add(),
    tunnelClosed: ({ mode, host, openedMs, client }) => {
      open[mode].add(-1)
      if (log.enabled('debug'))
        log.debug('tunnel closed', {
          mode,
          host,
          ms: now() - openedMs,
          received: client.bytesRead,
          sent: client.bytesWritten,
        })
    },
    tunnelLetGo: () => instruments.refused.with({ error_type: 'overloaded' }).add(),
    tunnelsCut: (count) => {
      if (count > 0) log.warn('tunnels cut at the end of the drain', { count })
    },
    certificateRefused: ({ host, route }, reason) => {
      instruments.interceptRefused.with({ route: route.name, reason }).add()
      calls.called(route.name, 'untrusted')
      if (isTold(route.name)) return
      log.warn('the application does not trust the certificate of this proxy', {
        host,
        route: route.name,
        reason,
        hint: DISTRUST_HINT,
      })
    },
    steered: (result) => steered[result].add(),
    unrecognizedName: (host, port) => {
      steered.unrecognized.add()
      if (!isTold(port)) log.warn('TLS for a host that no route intercepts', { host, port, hint: UNRECOGNIZED_HINT })
    },
    tlsInPlain: ({ host }) => {
      instruments.connects.with({ result: 'tls_in_plain' }).add()
      log.warn('TLS inside a tunnel to port 80', { host, hint: `Call http://${host}/ instead.` })
    },
  }
}

/** A client that does not trust us tries again and again. */
const REFUSAL_LOG_MS = 60_000
const UNRECOGNIZED_HINT =
  'Give the host https: intercept, or call its http:// URL. A client that sends no server name (SNI) cannot be served.'
const DISTRUST_HINT =
  'Let the client read bundle.crt or ca.crt of the trust directory: SSL_CERT_FILE, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS or an option ' +
  'of its own; a client that pins certificates calls the http:// URL instead, with https: refuse.'
