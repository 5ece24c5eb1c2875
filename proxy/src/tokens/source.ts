import type { TokenRequest } from './token-request.ts'

/** A token that passed every check, fresh from its issuer. */
export interface MintedToken {
  /** SECURITY: the secret. Never in a log, error or metric. */
  readonly jwt: string
  /** `exp − iat`, by the issuer's clock. */
  readonly lifeMs: number
  /** Issuer's clock minus ours. */
  readonly clockSkewMs: number
  readonly subject: string
  /** The JWT ID: names the token in logs on both sides without revealing it. */
  readonly jti: string
}

/** Where tokens come from: STS, or a fake in tests. */
export interface TokenSource {
  /**
   * Mints a new token; settles soon after the signal aborts.
   * @throws TokenFailure (as rejection).
   */
  mint(request: TokenRequest, signal: AbortSignal): Promise<MintedToken>
  /**
   * Loads what the first mint would have to load, and finds credentials.
   * @throws TokenFailure (as rejection).
   */
  warm(signal: AbortSignal): Promise<void>
}
