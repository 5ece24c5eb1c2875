import type { JSONWebKeySet, JWK } from 'jose'
import { createIssuerKeys } from './keys.ts'
import type { IssuerKeys } from './keys.ts'

/** The form of AWS's public documents: as first published in 2025, or as captured in 2026. */
export type DiscoveryProfile = 2025 | 2026

/** The account's issuer of outbound tokens. */
export interface OutboundIssuer extends Omit<IssuerKeys, 'jwks'> {
  readonly issuer: string
  /** The OIDC discovery document; neither form has authorization and token endpoints. */
  discovery(profile: DiscoveryProfile): Readonly<Record<string, unknown>>
  /** The published keys; those of 2025 lack `alg`. */
  jwks(profile: DiscoveryProfile): JSONWebKeySet
}

export async function createOutboundIssuer(issuer: string): Promise<OutboundIssuer> {
  const keys = await createIssuerKeys({ RS256: 'RSA', ES384: 'EC384' })
  return {
    ...keys,
    issuer,
    discovery: (profile) => ({
      claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'jti', 'https://sts.amazonaws.com/'],
      id_token_signing_alg_values_supported: ['RS256', 'ES384'],
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      ...(profile === 2026 && { response_types_supported: ['id_token'] }),
      subject_types_supported: ['public'],
    }),
    jwks: (profile) => {
      const jwks = keys.jwks()
      if (profile === 2026) return jwks
      return { keys: jwks.keys.map(withoutAlgorithm) }
    },
  }
}

function withoutAlgorithm(jwk: JWK): JWK {
  const copy = { ...jwk }
  delete copy.alg
  return copy
}
