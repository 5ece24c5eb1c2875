import { METHODS, STATUS_CODES } from 'node:http'
import type { ProxyError } from '../../errors.ts'
import type { ProxyMetrics } from '../../metrics.ts'
import type { Bound, Instrument, Logger, Metrics } from '../../runtime/index.ts'
import { describeError, errorCode } from '../../runtime/index.ts'
import type { Destination } from '../../routing/router.ts'
import { redact } from '../../tokens/redact.ts'
import type { RawHeaders } from '../headers.ts'
import type { Exchange, ExchangeObserver } from '../inbound/exchange.ts'
import type { RouteCalls } from './route-calls.ts'
import type { UnruledHosts } from './unruled-hosts.ts'

export interface RequestObserver extends ExchangeObserver {
  /** Requests whose response is not complete. */
  inFlight(): number
  /** A request goes out again, over another connection. */
  retried(destination: Destination): void
}

interface RequestObserverDeps {
  readonly instruments: Metrics<ProxyMetrics>['instruments']
  readonly log: Logger
  readonly now: () => number
  /** Of the line that every request gets. */
  readonly accessLevel: 'info' | 'debug'
  readonly calls: RouteCalls
  readonly unruled: UnruledHosts
}

type Duration = Instrument<ProxyMetrics['serverDuration']>

const routeLabel = (destination: Destination | undefined): string => destination?.ruled?.route.name ?? 'none'

/** Counts, times and logs requests; failures are warnings. */
export function createRequestObserver(deps: RequestObserverDeps): RequestObserver {
  const { instruments, log, now, accessLevel, calls, unruled } = deps
  let inFlight = 0
  const gauge = instruments.inFlight.with({})
  const server = boundDurations(instruments.serverDuration)
  const client = boundDurations(instruments.clientDuration)
  /** By route: when it was last told that its partner refuses tokens. */
  const toldMs = new Map<string, number>()

  return {
    inFlight: () => inFlight,
    retried: (destination) => instruments.retries.with({ route: routeLabel(destination) }).add(),
    opened: () => {
      gauge.set(++inFlight)
    },
    forwarded: ({ host, ruled }) => {
      if (ruled) calls.called(ruled.route.name, 'request')
      else unruled.called(host)
    },
    closed: (exchange) => {
      gauge.set(--inFlight)
      const ruled = exchange.plan?.destination.ruled
      if (ruled && exchange.forwardedMs === undefined) calls.called(ruled.route.name, 'failed')
      const endMs = now()
      const error = exchange.error?.code ?? (exchange.isComplete ? '' : 'client_gone')
      server(exchange, error).add((endMs - exchange.startedMs) / 1000)
      if (exchange.forwardedMs !== undefined)
        client(exchange, error).add(((exchange.answeredMs ?? endMs) - exchange.forwardedMs) / 1000)
      if (log.enabled(accessLevel))
        log[accessLevel]('request', {
          ...describe(exchange),
          status: exchange.status,
          ms: endMs - exchange.startedMs,
          error,
        })
    },
    tokenRefused: (exchange, token, status, headers) => {
      const route = routeLabel(exchange.plan?.destination)
      calls.unaccepted(route)
      const lastMs = toldMs.get(route)
      if (lastMs !== undefined && now() - lastMs < REFUSAL_LOG_MS) return
      toldMs.set(route, now())
      // SECURITY: a partner may repeat what it was sent.
      const challenge = redact(challengeOf(headers), LONGEST_CHALLENGE, [token])
      log.warn('the partner refused the token', { ...describe(exchange), status, challenge, hint: REFUSAL_HINT })
    },
    interimDropped: (status) =>
      instruments.interimDropped.with({ http_response_status_code: statusLabel(status) }).add(),
    failed: (exchange, error, requestId) => {
      // A flood of these is what the limit is for; the metric counts them.
      if (error.code === 'overloaded') return
      const level = error.code === 'internal_error' ? 'error' : 'warn'
      log[level]('request failed', { ...describe(exchange), ...describeFailure(error), requestId })
    },
  }
}

/** A partner that refuses one token mostly refuses them all. */
const REFUSAL_LOG_MS = 5 * 60_000
const LONGEST_CHALLENGE = 300
const REFUSAL_HINT =
  'Compare iss, sub and aud of the token, which doctor prints, with what the partner has registered; doctor: /nodejs/bin/node /app/doctor.mjs. ' +
  'A partner also answers so when the token is right and its owner may not do this.'

/** @returns the partner's reason, without a word that every log takes for the beginning of a token. RFC 9110 §11.6.1, RFC 6750 §3. */
function challengeOf(headers: RawHeaders): string {
  const index = headers.findIndex((name, at) => at % 2 === 0 && name.toLowerCase() === 'www-authenticate')
  return index < 0 ? '' : (headers[index + 1] ?? '').replace(/^Bearer +/i, '')
}

/** SECURITY: the path without its query, and no header. */
function describe({ method, host, plan }: Exchange): Record<string, string | undefined> {
  return {
    method,
    host,
    route: plan?.destination.ruled?.route.name,
    path: plan?.path.split('?', 1)[0],
  }
}

/** A cause is logged whole only where it is a defect of ours. */
export function describeFailure(error: ProxyError): Record<string, string | undefined> {
  const { cause } = error
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    cause: error.code === 'internal_error' ? describeError(cause) : errorCode(cause),
  }
}

/** The labels of successes are looked up once per combination; those of failures every time. */
function boundDurations(instrument: Duration): (exchange: Exchange, error: string) => Bound {
  const byRoute = new Map<string, Map<number, Bound>>()
  return (exchange, error) => {
    const route = routeLabel(exchange.plan?.destination)
    const method = METHODS.indexOf(exchange.method)
    const bind = (): Bound =>
      instrument.with({
        route,
        http_request_method: METHODS[method] ?? '_OTHER',
        http_response_status_code: statusLabel(exchange.status),
        error_type: error,
      })
    if (error !== '') return bind()
    let bounds = byRoute.get(route)
    if (!bounds) byRoute.set(route, (bounds = new Map<number, Bound>()))
    const key = method * 1024 + exchange.status
    let bound = bounds.get(key)
    if (!bound) bounds.set(key, (bound = bind()))
    return bound
  }
}

/** SECURITY: a partner may answer with any number; only registered ones become a label of their own. */
function statusLabel(code: number): string {
  if (code === 0) return ''
  return STATUS_CODES[code] === undefined ? 'other' : String(code)
}
