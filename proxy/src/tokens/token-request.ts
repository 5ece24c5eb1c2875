import { isRecord } from '../contract.ts'
import type { TokenSpec } from './sources.ts'
import type { MintRequest } from './token.ts'

/** Which token is asked for, and by whom; two requests with the same key share one token. */
export interface TokenRequest extends MintRequest<TokenSpec> {
  /** Identifies the token by its whole spec; made by `tokenRequest`. */
  readonly key: string
  /** Metric label: the name of the route that asked first. */
  readonly route: string
  /** Present when the audience was made from the host of a request, because no rule names it: a wildcard's. */
  readonly unlisted?: UnlistedHost
}

/** A host that only a wildcard allows. */
export interface UnlistedHost {
  readonly host: string
  readonly port: number
}

/** The one thing the request path knows about tokens. */
export interface Tokens {
  /**
   * @returns the token, synchronously when a usable one is cached; otherwise a promise that settles within 8 s, with an exchange 11 s.
   * @throws ProxyError (as rejection) token_denied, token_unavailable or token_timeout.
   */
  get(request: TokenRequest): string | Promise<string>
  /** The partner did not accept this token, see `TokenEntry.reject`. */
  reject(request: TokenRequest, value: string): void
  /** Whether a token of this key is cached, or being fetched. */
  holds(request: TokenRequest): boolean
}

/** @returns the request of a route for the token of this spec. */
export function tokenRequest(route: string, spec: TokenSpec, unlisted?: UnlistedHost): TokenRequest {
  return { key: canonical(spec), route, spec, ...(unlisted && { unlisted }) }
}

/** JSON with its members in order: covers every field of every spec, and no value can imitate another's separator. */
function canonical(spec: TokenSpec): string {
  return JSON.stringify(spec, (_, value: unknown) =>
    isRecord(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}
