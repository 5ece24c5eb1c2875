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
