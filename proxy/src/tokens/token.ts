import type { FailureReason } from './failures.ts'
import type { TimeLimits } from './policy.ts'

/** What is known of a token that is a JWT (RFC 7519): read, not verified. The partner verifies it. */
export interface TokenEvidence {
  readonly algorithm: string
  readonly issuer: string
  readonly subject: string
  readonly audience: readonly string[]
  /** Seconds of the Unix epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** The JWT ID: names the token in logs on both sides without revealing it. */
  readonly jti: string
  /** Every claim as the issuer wrote it, for doctor. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** A token that passed every check of its source, fresh from its issuer. */
export interface Token {
  /** SECURITY: the secret. Never in a log, error or metric. */
  readonly value: string
  /** Counted from when it was asked for; of a JWT `exp − iat`, by the issuer's own clock at both ends. */
  readonly expiresInMs: number
  /** Undefined where the token is opaque: nothing can be known of it. */
  readonly evidence: TokenEvidence | undefined
  /** Of a token that is the result of an exchange: the source token that was exchanged. SECURITY: a secret, too. */
  readonly subject?: Token | undefined
  /** The issuer's clock minus this machine's; absent where the token does not tell, because it was not issued just now. */
  readonly clockSkewMs?: number | undefined
}

/** What a source is asked for. */
export interface MintRequest<Spec> {
  readonly spec: Spec
  /** The route it is for, for logs. */
  readonly route: string
}

/** Where tokens come from. It knows nothing of the engine that caches them: every call mints. */
export interface TokenSource<Spec> {
  readonly limits: TimeLimits
  /** Why an attempt failed that did not end in time. */
  readonly timeout: FailureReason
  /**
   * Mints a new token; settles soon after the signal aborts.
   * @throws TokenFailure (as rejection).
   */
  mint(request: MintRequest<Spec>, signal: AbortSignal): Promise<Token>
  /**
   * Loads what the first mint would have to load, and finds credentials.
   * @throws TokenFailure (as rejection).
   */
  warm(signal: AbortSignal): Promise<void>
}

/**
 * @param wallMs when the token arrived, Unix epoch.
 * @returns the issuer's clock minus this machine's.
 */
export function clockSkewMs({ issuedAt }: TokenEvidence, wallMs: number): number {
  return issuedAt * 1000 - wallMs
}

/** Node's own limit for all headers together; nothing accepts more by default. */
export const LARGEST_TOKEN_BYTES = 16 * 1024
/** A header of this size still passes most servers and proxies, whose limit is 8 KiB for all headers together. */
export const LARGE_TOKEN_BYTES = 7 * 1024

/** The claim under which STS keeps everything of its own. */
const STS_CLAIM = 'https://sts.amazonaws.com/'
/** A claim smaller than this is not why a token is large. */
const NOTABLE_CHARACTERS = 200

/** @returns what makes a token large, largest first, without its values: `principal_tags 5120, ou_path 300 characters`. */
export function describeSizes({ claims }: TokenEvidence): string {
  const own: unknown = claims[STS_CLAIM]
  const all = { ...claims, [STS_CLAIM]: null, ...(typeof own === 'object' && own) }
  const sizes = Object.entries(all)
    .map(([name, value]) => ({ name, size: JSON.stringify(value).length }))
    .filter(({ size }) => size >= NOTABLE_CHARACTERS)
    .sort((a, b) => b.size - a.size)
  return sizes.length === 0
    ? 'no claim is large'
    : `${sizes.map(({ name, size }) => `${name} ${size}`).join(', ')} characters`
}
