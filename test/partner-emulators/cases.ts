// What emulated partners take, and what each of them refuses.
import { ANTHROPIC } from './vendors/anthropic.ts'
import { DATABRICKS } from './vendors/databricks.ts'
import { ENTRA } from './vendors/entra.ts'
import { FORGEROCK } from './vendors/forgerock.ts'
import { GOOGLE } from './vendors/google.ts'
import { KEYCLOAK } from './vendors/keycloak.ts'
import { OPENAI } from './vendors/openai.ts'
import { OPENROUTER } from './vendors/openrouter.ts'
import { TAILSCALE } from './vendors/tailscale.ts'
import { VAULT } from './vendors/vault.ts'

export const SUBJECT = 'arn:aws:iam::123456789012:role/orders'

/** The source token, as a route that works would have it. */
export interface Source {
  readonly audience: string
  readonly seconds?: number
  readonly algorithm?: 'RS256' | 'ES384'
  readonly issuer?: string
  readonly subject?: string
  readonly stranger?: boolean
  readonly jti?: string
}

export type Exchange = Readonly<Record<string, unknown>>

export const VENDORS = {
  entra: { preset: 'entra', tenantId: ENTRA.tenant, clientId: ENTRA.clientId, scope: 'https://graph.example/.default' },
  databricks: {
    preset: 'databricks',
    host: 'workspace.cloud.databricks.com',
    accountId: DATABRICKS.accountId,
    clientId: DATABRICKS.principal,
  },
  google: { type: 'google', audience: GOOGLE.audience, serviceAccount: GOOGLE.serviceAccount },
  vault: { type: 'vault', address: 'https://vault.example', role: VAULT.role, namespace: VAULT.namespace },
  anthropic: { preset: 'anthropic', ...ANTHROPIC },
  openai: { preset: 'openai', ...OPENAI },
  tailscale: { preset: 'tailscale', ...TAILSCALE },
  openrouter: { preset: 'openrouter', federationPolicyId: OPENROUTER.federationPolicyId },
  forgerock: { preset: 'forgerock', tokenUrl: `https://am.example${FORGEROCK.path}`, clientId: SUBJECT },
  keycloak: { preset: 'keycloak', issuer: KEYCLOAK.issuer },
} as const satisfies Readonly<Record<string, Exchange>>
export type Name = keyof typeof VENDORS

/** Where a vendor looks for another audience than the preset has by default. */
export const AUDIENCES: Partial<Record<Name, string>> = {
  google: `https:${GOOGLE.audience}`,
  vault: VAULT.audience,
  openrouter: OPENROUTER.audience,
  forgerock: FORGEROCK.audience,
}
export const LIVES: Partial<Record<Name, number>> = { forgerock: 600, keycloak: 300 }

/** What a refusal is seen by: the reason, and the partner's words. */
type Refused = readonly [
  Name,
  string,
  { readonly source?: Partial<Source>; readonly exchange?: Exchange },
  string,
  RegExp,
]

export const REFUSALS: readonly Refused[] = [
  [
    'entra',
    'another tenant',
    { exchange: { tenantId: 'other.example' } },
    'exchange_denied',
    /invalid_request: AADSTS90002/,
  ],
  ['entra', 'an unknown application', { exchange: { clientId: 'other' } }, 'unauthorized_client', /AADSTS700016/],
  ['entra', 'another issuer', { source: { issuer: 'https://other.example' } }, 'invalid_client', /AADSTS700211/],
  ['entra', 'another audience', { source: { audience: 'other' } }, 'invalid_client', /AADSTS700212/],
  ['entra', 'another subject', { source: { subject: 'other' } }, 'invalid_client', /AADSTS700213/],
  ['entra', 'an EC signature', { source: { algorithm: 'ES384' } }, 'invalid_client', /AADSTS5002738/],
  ['entra', 'an expired token', { source: { seconds: -600 } }, 'invalid_client', /AADSTS700024/],
  [
    'databricks',
    'an EC signature',
    { source: { algorithm: 'ES384' } },
    'invalid_grant',
    /federation policy: algorithm/,
  ],
  ['databricks', 'another audience', { source: { audience: 'other' } }, 'invalid_grant', /federation policy: audience/],
  [
    'databricks',
    'an unknown principal',
    { exchange: { clientId: 'other' } },
    'invalid_client',
    /Service principal not found/,
  ],
  [
    'google',
    'another audience',
    { source: { audience: 'other' } },
    'invalid_grant',
    /does not match the expected audience/,
  ],
  [
    'google',
    'another provider',
    { exchange: { audience: GOOGLE.audience.replace('/aws', '/other') } },
    'invalid_target',
    /"audience"/,
  ],
  ['google', 'ES384', { source: { algorithm: 'ES384' } }, 'invalid_grant', /algorithm/],
  [
    'google',
    'a service account that may not be impersonated',
    { exchange: { serviceAccount: 'other@p.iam.gserviceaccount.com' } },
    'exchange_denied',
    /PERMISSION_DENIED: Permission 'iam\.serviceAccounts\.getAccessToken'/,
  ],
  [
    'google',
    'a life that the organization does not permit',
    { exchange: { lifetimeSeconds: 7_200 } },
    'exchange_denied',
    /INVALID_ARGUMENT: The token lifetime/,
  ],
  ['vault', 'an unknown role', { exchange: { role: 'other' } }, 'exchange_denied', /role "other" could not be found/],
  [
    'vault',
    'another namespace',
    { exchange: { namespace: 'other' } },
    'exchange_denied',
    /HTTP 403, permission denied/,
  ],
  ['vault', 'another audience', { source: { audience: 'other' } }, 'exchange_denied', /invalid audience/],
  ['vault', 'ES384, by default', { source: { algorithm: 'ES384' } }, 'exchange_denied', /invalid algorithm/],
  [
    'vault',
    'a role whose tokens can be used once',
    { exchange: { role: VAULT.limitedRole } },
    'unusable_answer',
    /used 1 times/,
  ],
  [
    'anthropic',
    'an unknown rule',
    { exchange: { federationRuleId: 'fdrl_other' } },
    'exchange_denied',
    /authentication_error: Authentication failed/,
  ],
  [
    'anthropic',
    'a token that lives too long',
    { source: { seconds: 7_200 } },
    'exchange_denied',
    /authentication_error/,
  ],
  [
    'openai',
    'an unknown service account',
    { exchange: { serviceAccountId: 'other' } },
    'exchange_denied',
    /HTTP 403, access_denied/,
  ],
  ['openai', 'another audience', { source: { audience: 'other' } }, 'invalid_grant', /audience/],
  ['tailscale', 'an unknown client', { exchange: { clientId: 'other' } }, 'exchange_denied', /unknown client/],
  ['tailscale', 'another subject', { source: { subject: 'other' } }, 'exchange_denied', /jwt is not valid: subject/],
  [
    'openrouter',
    'an unknown policy',
    { exchange: { federationPolicyId: 'other' } },
    'invalid_target',
    /No such policy/,
  ],
  ['openrouter', 'a signature of a stranger', { source: { stranger: true } }, 'invalid_grant', /signature/],
  [
    'forgerock',
    'a token that ends more than 30 minutes ahead',
    { source: { seconds: 1_860 } },
    'invalid_client',
    /expiration time is unreasonable/,
  ],
  [
    'forgerock',
    'a client that is not the subject',
    { exchange: { clientId: 'other' } },
    'invalid_client',
    /Client authentication failed/,
  ],
  [
    'keycloak',
    'a token that lives longer than 5 minutes',
    { source: { seconds: 360 } },
    'invalid_client',
    /assertion: life/,
  ],
  ['keycloak', 'another audience', { source: { audience: 'other' } }, 'invalid_client', /assertion: audience/],
]
