// Exchanges as the example manifests have them, which emulated partners take.
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

export type Exchange = Readonly<Record<string, unknown>>

/** What manifests/examples/partner-*.yaml have as `exchange`; a test compares. */
export const VENDORS = {
  entra: {
    preset: 'entra',
    tenantId: ENTRA.tenant,
    clientId: ENTRA.clientId,
    scope: 'https://graph.microsoft.com/.default',
  },
  databricks: {
    preset: 'databricks',
    host: DATABRICKS.host,
    accountId: DATABRICKS.accountId,
    clientId: DATABRICKS.principal,
  },
  google: { type: 'google', audience: GOOGLE.audience, serviceAccount: GOOGLE.serviceAccount },
  vault: { type: 'vault', address: 'https://vault.example:8200', role: VAULT.role },
  anthropic: { preset: 'anthropic', ...ANTHROPIC },
  openai: { preset: 'openai', ...OPENAI },
  tailscale: { preset: 'tailscale', ...TAILSCALE },
  openrouter: { preset: 'openrouter', federationPolicyId: OPENROUTER.federationPolicyId },
  forgerock: { preset: 'forgerock', tokenUrl: FORGEROCK.tokenUrl, clientId: SUBJECT, scope: FORGEROCK.scope },
  keycloak: { preset: 'keycloak', issuer: KEYCLOAK.issuer },
} as const satisfies Readonly<Record<string, Exchange>>
export type Name = keyof typeof VENDORS
export const NAMES = Object.keys(VENDORS) as readonly Name[]

/** Audiences that a route has to say. */
export const AUDIENCES: Partial<Record<Name, string>> = { vault: VAULT.audience, openrouter: OPENROUTER.audience }

/** An API behind the partner of each example; it takes nothing but what that partner issued for a token of AWS that it has verified. */
export const APIS: Readonly<Record<Name, string>> = {
  entra: 'graph.microsoft.com/v1.0/organization',
  databricks: 'dbc-a1b2c3d4-e5f6.cloud.databricks.com/api/2.0/clusters/list',
  google: 'storage.googleapis.com/storage/v1/b',
  vault: 'vault.example:8200/v1/secret/data/orders',
  anthropic: 'api.anthropic.com/v1/models',
  openai: 'api.openai.com/v1/models',
  tailscale: 'api.tailscale.com/api/v2/tailnet/-/devices',
  openrouter: 'openrouter.ai/api/v1/models',
  forgerock: 'api.partner.example/forgerock/orders',
  keycloak: 'api.partner.example/keycloak/orders',
}
