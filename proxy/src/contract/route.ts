/** How tokens for a set of partner hosts are made and sent. Frozen; every field has its value, defaults included. */
export interface Route {
  /** Metric label and log field. Default: the first host. */
  readonly name: string
  /** Host patterns in their one spelling, see `formatHostPattern`. */
  readonly hosts: readonly string[]
  /** Audiences of the token. Empty: `https://<matched host>`, per host, without port. */
  readonly audience: readonly string[]
  readonly durationSeconds: number
  readonly signingAlgorithm: SigningAlgorithm
  /** Sent as STS tags; self-asserted claims unless IAM pins them. */
  readonly tags: Readonly<Record<string, string>>
  readonly header: TokenHeader
  readonly onExisting: OnExisting
  readonly https: HttpsPolicy
  /** How long these partners may take until their response head. Absent: UPSTREAM_TIMEOUT. */
  readonly timeoutSeconds?: number
  /** PEM file with the only trust anchors for these hosts. */
  readonly caFile?: string
}

/** The header that carries the token: `<name>: <scheme> <token>`, or `<name>: <token>` when the scheme is empty. */
export interface TokenHeader {
  readonly name: string
  readonly scheme: string
}

export type SigningAlgorithm = 'RS256' | 'ES384'
/** What happens to a header of the application's that ours would collide with. */
export type OnExisting = 'replace' | 'keep' | 'reject'
/** What an https:// URL of the host (a CONNECT to its TLS port) gets: a refusal that names the http:// URL, or a blind tunnel without a token. */
export type HttpsPolicy = 'refuse' | 'tunnel'

/** GetWebIdentityToken's own bounds, in seconds. */
export const DURATION_BOUNDS = { minimum: 60, maximum: 3600 } as const

/** Of a partner's time until its response head, in seconds. */
export const TIMEOUT_BOUNDS = { minimum: 1, maximum: 3600 } as const

/** UPSTREAM_TIMEOUT, which nothing sets in an injected pod. */
export const UPSTREAM_TIMEOUT_SECONDS = 120

export const ROUTE_DEFAULTS = {
  audience: [],
  /** Leaves 7 minutes of cover for an STS outage when refreshed at half its life. */
  durationSeconds: 900,
  /** The one algorithm every relying party accepts; several refuse ES384. */
  signingAlgorithm: 'RS256',
  tags: {},
  header: { name: 'Authorization', scheme: 'Bearer' },
  onExisting: 'replace',
  https: 'refuse',
} as const satisfies Partial<Route>
