/** What can go wrong, one effect per fault. `kinds.ts` documents each. */
export type FaultEffect =
  | {
      readonly kind: 'error'
      readonly code: string
      readonly status?: number
      readonly message?: string
      readonly retryAfterSeconds?: number
    }
  | { readonly kind: 'html'; readonly status?: number }
  | { readonly kind: 'empty'; readonly status?: number }
  | { readonly kind: 'malformed-xml' }
  | { readonly kind: 'empty-result' }
  | { readonly kind: 'no-expiration' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'claims'; readonly claims: Readonly<Record<string, unknown>> }
  | { readonly kind: 'lifetime'; readonly seconds: number }
  | { readonly kind: 'stale-key' }
  | { readonly kind: 'date'; readonly seconds: number }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  | { readonly kind: 'slow-body'; readonly milliseconds: number }
  | { readonly kind: 'truncated' }
  | { readonly kind: 'half-close' }
  | { readonly kind: 'hang' }
  | { readonly kind: 'reset' }

export type FaultKind = FaultEffect['kind']

/** Which requests a fault hits. An absent part matches all. */
export interface FaultScope {
  /** An STS or IAM action, or one of `Discovery`, `Jwks`, `PodIdentity`. */
  readonly operation?: string
  readonly match?: FaultMatch
  /** How many requests it hits; default: every one. */
  readonly count?: number
  /** How long it lasts after it was set; default: until faults are set again. */
  readonly forSeconds?: number
}

export interface FaultMatch {
  /** One of the audiences asked for. */
  readonly audience?: string
  /** The role to assume, or the role of the session that signed. */
  readonly roleArn?: string
  readonly sessionName?: string
}

export type Fault = FaultScope & FaultEffect
