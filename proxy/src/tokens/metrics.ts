import type { ProxyMetrics } from '../metrics.ts'
import type { Metrics } from '../runtime/index.ts'
import type { TokenObserver } from './observer.ts'

/** Turns what the token engine tells into metrics. */
export function createTokenObserver(instruments: Metrics<ProxyMetrics>['instruments']): TokenObserver {
  // With every request: bound once.
  const lookups = {
    hit: instruments.tokenLookups.with({ result: 'hit' }),
    miss: instruments.tokenLookups.with({ result: 'miss' }),
  }
  return {
    looked: (result) => lookups[result].add(),
    fetched: (result) => instruments.tokenFetches.with({ result }).add(),
    refreshFailed: (route) => instruments.tokenRefreshFailures.with({ route }).add(),
    replaced: (route, { issuedWallMs, expiresWallMs, clockSkewMs, bytes }) => {
      instruments.tokenIssued.with({ route }).set(issuedWallMs / 1000)
      instruments.tokenExpires.with({ route }).set(expiresWallMs / 1000)
      instruments.clockSkew.with({ route }).set(clockSkewMs / 1000)
      instruments.tokenBytes.with({ route }).set(bytes)
    },
    session: (endsWallMs) => instruments.sessionEnds.with({}).set((endsWallMs ?? 0) / 1000),
  }
}
