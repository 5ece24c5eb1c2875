import type { JSONWebKeySet } from 'jose'

/** A cluster whose service account tokens the account trusts: an IAM OIDC provider, and an EKS cluster for Pod Identity. */
export interface Cluster {
  readonly issuer: string
  /** Asked for every token, so that key rotation shows. */
  readonly jwks: () => Promise<JSONWebKeySet>
}
