import { createIssuerKeys } from './keys.ts'
import type { IssuerKeys } from './keys.ts'

/** The account's issuer of outbound tokens. */
export interface OutboundIssuer extends IssuerKeys {
  readonly issuer: string
  /** The OIDC discovery document, as AWS published it in 2026: without authorization and token endpoints. */
  readonly discovery: Readonly<Record<string, unknown>>
}

export async function createOutboundIssuer(issuer: string): Promise<OutboundIssuer> {
  const keys = await createIssuerKeys({ RS256: 'RSA', ES384: 'EC384' })
  return {
    ...keys,
    issuer,
    discovery: {
      claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'jti', 'https://sts.amazonaws.com/'],
      id_token_signing_alg_values_supported: ['RS256', 'ES384'],
      issuer,
      jwks_uri: `${issuer}/.well-known/jwks.json`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
    },
  }
}
