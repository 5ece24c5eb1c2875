import type { ProxyMetrics } from '../metrics.ts'
import type { Metrics } from '../runtime/index.ts'
import type { FailureClass, Step } from './failures.ts'
import type { TokenRequest } from './token-request.ts'

/** What the engine tells metrics. Route names come from the configuration, so every label is bounded. */
export interface TokenObserver {
  /** A request found a usable token, or had to wait. */
  looked(result: 'hit' | 'miss'): void
  /** An attempt to mint ended. */
  fetched(result: 'ok' | FailureClass): void
  /** A background refresh failed while the old token was still good. */
  refreshFailed(route: string): void
  /** A step of an exchange ended. */
  exchanged(step: Step, result: 'ok' | FailureClass): void
  /** A partner did not accept the token it was sent. */
  rejected(route: string): void
  /** A new token of this key is in use. */
  replaced(request: TokenRequest, token: TokenFacts): void
  /** Nobody uses this key any more. */
  dropped(request: TokenRequest): void
  /** End of the AWS session behind the tokens; undefined when the credentials do not say. */
  session(endsWallMs: number | undefined): void
}

export interface TokenFacts {
  readonly issuedWallMs: number
  readonly expiresWallMs: number
  /** Undefined where the token is opaque. */
  readonly clockSkewMs: number | undefined
  readonly bytes: number
}

/** Turns what the token engine tells into metrics. */
export function createTokenObserver(instruments: Metrics<ProxyMetrics>['instruments']): TokenObserver {
  // With every request: bound once.
  const lookups = {
    hit: instruments.tokenLookups.with({ result: 'hit' }),
    miss: instruments.tokenLookups.with({ result: 'miss' }),
  }
  const { tokenIssued, tokenExpires, clockSkew, tokenBytes } = instruments
  /** Tokens in use by route and key: a route has one per host when its audience is the host. */
  const byRoute = new Map<string, Map<string, TokenFacts>>()

  const show = (route: string, tokens: ReadonlyMap<string, TokenFacts>): void => {
    let first: TokenFacts | undefined
    for (const token of tokens.values()) if (!first || token.expiresWallMs < first.expiresWallMs) first = token
    if (!first) {
      for (const gauge of [tokenIssued, tokenExpires, clockSkew, tokenBytes]) gauge.remove({ route })
      return
    }
    tokenIssued.with({ route }).set(first.issuedWallMs / 1000)
    tokenExpires.with({ route }).set(first.expiresWallMs / 1000)
    if (first.clockSkewMs === undefined) clockSkew.remove({ route })
    else clockSkew.with({ route }).set(first.clockSkewMs / 1000)
    tokenBytes.with({ route }).set(first.bytes)
  }
  const tokensOf = (route: string): Map<string, TokenFacts> => {
    let tokens = byRoute.get(route)
    if (!tokens) byRoute.set(route, (tokens = new Map<string, TokenFacts>()))
    return tokens
  }

  return {
    looked: (result) => lookups[result].add(),
    fetched: (result) => instruments.tokenFetches.with({ result }).add(),
    refreshFailed: (route) => instruments.tokenRefreshFailures.with({ route }).add(),
    exchanged: (step, result) => instruments.tokenExchanges.with({ step, result }).add(),
    rejected: (route) => instruments.tokensRejected.with({ route }).add(),
    replaced: ({ route, key }, token) => show(route, tokensOf(route).set(key, token)),
    dropped: ({ route, key }) => {
      const tokens = tokensOf(route)
      if (tokens.delete(key)) show(route, tokens)
    },
    session: (endsWallMs) => instruments.sessionEnds.with({}).set((endsWallMs ?? 0) / 1000),
  }
}
