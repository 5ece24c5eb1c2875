import type { FailureClass } from './failures.ts'
import type { TokenRequest } from './tokens.ts'

/** What the engine tells metrics. Route names come from the configuration, so every label is bounded. */
export interface TokenObserver {
  /** A request found a usable token, or had to wait. */
  looked(result: 'hit' | 'miss'): void
  /** An attempt to mint ended. */
  fetched(result: 'ok' | FailureClass): void
  /** A background refresh failed while the old token was still good. */
  refreshFailed(route: string): void
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
  readonly clockSkewMs: number
  readonly bytes: number
}
