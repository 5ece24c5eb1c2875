import type { ProxyMetrics } from '../../metrics.ts'
import type { Bound, Metrics } from '../../runtime/index.ts'

/**
 * What became of a call of a route: a request that left with its token, or one of the ways to miss it: a request that ended in the
 * sidecar, mostly because there was no token; an https:// URL that is refused; one that passes in a tunnel without a token; and a client
 * that does not trust the certificate of interception.
 */
const RESULTS = ['request', 'failed', 'refused', 'tunnel', 'untrusted'] as const

export type CallResult = (typeof RESULTS)[number]

export interface CallCounts extends Readonly<Record<CallResult, number>> {
  /** Of the requests with a token, those that the partner answered with 401 or 403. */
  readonly unaccepted: number
}

/** Calls of each route since the start. */
export interface RouteCalls {
  /** @param route its name; one that is not known is not counted. */
  called(route: string, result: CallResult): void
  /** The partner answered a request with 401 or 403. The duration of its answers has the statuses as a metric. */
  unaccepted(route: string): void
  counts(): ReadonlyMap<string, CallCounts>
}

/** @param routes names; every count is there from the start, as 0, because an alert on no calls at all needs a series. */
export function createRouteCalls(
  routes: readonly string[],
  instrument: Metrics<ProxyMetrics>['instruments']['routeCalls'],
): RouteCalls {
  const known = new Map(
    routes.map((route) => [
      route,
      { counts: { request: 0, failed: 0, refused: 0, tunnel: 0, untrusted: 0, unaccepted: 0 }, bound: bind(route) },
    ]),
  )
  return {
    called: (route, result) => {
      const one = known.get(route)
      if (!one) return
      one.counts[result] += 1
      one.bound[result].add()
    },
    unaccepted: (route) => {
      const one = known.get(route)
      if (one) one.counts.unaccepted += 1
    },
    counts: () => new Map([...known].map(([route, { counts }]) => [route, { ...counts }])),
  }

  function bind(route: string): Readonly<Record<CallResult, Bound>> {
    const bound = RESULTS.map((result) => [result, instrument.with({ route, result })] as const)
    for (const [, one] of bound) one.set(0)
    return Object.fromEntries(bound) as Record<CallResult, Bound>
  }
}
