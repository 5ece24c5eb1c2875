import type { JSONWebKeySet } from 'jose'

/** An IAM role of the emulated account. */
export interface RoleOptions {
  /** With its path, for example `arn:aws:iam::123456789012:role/team/orders`. */
  readonly arn: string
  /** Subjects of service account tokens that may assume it (`system:serviceaccount:<namespace>:<name>`, `*` matches any text). Default: all. */
  readonly subjects?: readonly string[]
  readonly policy?: MintingPolicy
}

/** What the role's IAM policy lets it ask GetWebIdentityToken for. An absent part is not restricted. */
export interface MintingPolicy {
  /** `sts:GetWebIdentityToken` itself. */
  readonly mint?: boolean
  /** `sts:TagGetWebIdentityToken`. */
  readonly tag?: boolean
  /** ForAllValues on `sts:IdentityTokenAudience`. */
  readonly audiences?: readonly string[]
  /** NumericLessThanEquals on `sts:DurationSeconds`. */
  readonly maximumDurationSeconds?: number
  /** StringEquals on `sts:SigningAlgorithm`. */
  readonly algorithms?: readonly string[]
}

/** A cluster whose service account tokens the account trusts: an IAM OIDC provider. */
export interface ClusterOptions {
  readonly issuer: string
  /** Asked for every token, so that key rotation shows. */
  readonly jwks: () => Promise<JSONWebKeySet>
}

export interface EmulatorOptions {
  readonly region: string
  /** Twelve digits. */
  readonly accountId: string
  readonly roles: readonly RoleOptions[]
  /** Beside the emulator's own fake cluster. */
  readonly clusters?: readonly ClusterOptions[]
  readonly host?: string
  readonly port?: number
  /** Where clients reach the emulator, and the base of its issuers. Never taken from a request. Default: where it listens. */
  readonly baseUrl?: string
  /** Length of a role session. */
  readonly sessionSeconds?: number
  /** Wall clock in milliseconds. */
  readonly now?: () => number
}
