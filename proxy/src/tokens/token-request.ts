import type { SigningAlgorithm } from '../contract.ts'

/** What a token is asked for; two requests with the same key share one token. */
export interface TokenRequest {
  /** Identifies audiences, algorithm, duration and tags; made by `tokenRequest`. */
  readonly key: string
  readonly audience: readonly string[]
  readonly signingAlgorithm: SigningAlgorithm
  readonly durationSeconds: number
  readonly tags: Readonly<Record<string, string>>
  /** Metric label: the name of the route that asked first. */
  readonly route: string
}

/** The one thing the request path knows about tokens. */
export interface Tokens {
  /**
   * @returns the compact JWT, synchronously when a usable one is cached; otherwise a promise that settles within 8 s.
   * @throws ProxyError (as rejection) token_denied, token_unavailable or token_timeout.
   */
  get(request: TokenRequest): string | Promise<string>
}

/** @returns the request with its key: a JSON array, so that no value can imitate another's separator. */
export function tokenRequest(request: Omit<TokenRequest, 'key'>): TokenRequest {
  const { audience, signingAlgorithm, durationSeconds, tags } = request
  return { ...request, key: JSON.stringify([audience, signingAlgorithm, durationSeconds, Object.entries(tags).sort()]) }
}
