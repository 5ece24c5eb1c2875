// What relying parties insist on that AWS's issuer may not have. docs/doctor.md is made from these tables.

/**
 * Members that OpenID Connect Discovery 1.0 §3 requires, and who is known to refuse a configuration without them.
 * `token_endpoint` is required of every issuer that does more than the implicit flow.
 */
export const REQUIRED_MEMBERS = {
  issuer: ['everyone: it must equal the `iss` of the token'],
  authorization_endpoint: [
    'Rust openidconnect',
    'Ruby openid_connect',
    'Microsoft Entra External ID as a login provider',
    'Alibaba Cloud RAM',
  ],
  token_endpoint: ['Microsoft Entra External ID as a login provider'],
  jwks_uri: ['everyone who is not given the keys by hand'],
  response_types_supported: ['Rust openidconnect', 'Ruby openid_connect'],
  subject_types_supported: ['Rust openidconnect', 'Ruby openid_connect'],
  id_token_signing_alg_values_supported: ['Rust openidconnect', 'Ruby openid_connect'],
} as const satisfies Record<string, readonly string[]>

/** Without these nobody who starts at the issuer can verify. */
export const INDISPENSABLE: readonly string[] = ['issuer', 'jwks_uri']

/** Known to compare `issuer`, `iss` and the URL they were given byte for byte, as §4.3 demands. */
export const STRICT_ABOUT_ISSUER = [
  'HashiCorp Vault and Kubernetes (go-oidc)',
  'Google Cloud',
  'Microsoft Entra',
  'jose, openid-client, oauth4webapi',
] as const

/** Known to refuse or not to know ES384. */
export const REFUSE_ES384 = ['Google Cloud', 'Microsoft Entra', 'Databricks', 'HashiCorp Vault by default'] as const
