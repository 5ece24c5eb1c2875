import type { FieldParser } from './fields.ts'
import { hiddenField, stringField } from './fields.ts'
import { baseUrl, bareHostText, endpointUrl, identifierText, matching, scopeText } from './exchange-values.ts'
import type { WrittenParser } from './mounted-object.ts'
import { CA_FILE, configMapFile, secretFile } from './mounted-object.ts'
import { absolutePath, oneOf } from './parsers.ts'
import type { SigningAlgorithm } from './route-values.ts'

/** One field of an exchange: a row of the tables that ROUTES, the annotation `routes` and their docs are made from. */
export interface ExchangeField<T> {
  /** Parses the value that ROUTES has. */
  readonly parse: FieldParser<T>
  readonly required?: true
  /** Where an author names an object instead of a path. */
  readonly written?: { readonly key: string; readonly parse: WrittenParser<T> }
  readonly doc: string
}

/** What a partner takes as source token. */
export interface TokenLimits {
  readonly algorithms: readonly SigningAlgorithm[]
  /** In seconds; absent: as long as there are. */
  readonly longest?: number
  /** In seconds: what a route has that does not say it. */
  readonly default: number
  /** A token may have no more audiences than one. */
  readonly oneAudience?: true
  /** The partner remembers `jti` (RFC 7519 §4.1.7) and refuses a token that it saw before. */
  readonly takesOnce?: true
}

/**
 * A vendor's token endpoint as data. Templates name parameters in braces; one with a parameter that was not given does not exist.
 * Parameters that an exchange of type `oauth2` has, too, mean the same here.
 */
export interface Preset {
  readonly title: string
  readonly parameters: Readonly<Record<string, ExchangeField<string>>>
  /** Templates of the endpoint; the first that exists counts. */
  readonly tokenUrl: readonly string[]
  readonly grant: 'token-exchange' | 'jwt-bearer' | 'client-credentials' | 'jwt'
  readonly body: 'form' | 'json'
  readonly scope?: string
  /** Template. Absent: a route must say it. */
  readonly audience?: string
  /** Parameter of the vendor's → template. */
  readonly params?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly limits: TokenLimits
  /** Why the limits are what they are, for whoever meets one. */
  readonly why: string
  /** Where the vendor says all that. */
  readonly sources: readonly string[]
}

const EVERY_ALGORITHM = ['RS256', 'ES384'] as const
const UUID = matching(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i, 'a UUID')

type Row = ExchangeField<string>
const optional = (parse: Row['parse'], doc: string): Row => ({ parse, doc })
const required = (parse: Row['parse'], doc: string): Row => ({ parse, required: true, doc })

export const CA_ROW: Row = {
  parse: stringField(absolutePath),
  written: { key: 'ca', parse: configMapFile('ca', CA_FILE) },
  doc: 'ConfigMap in the namespace of the pod with the only trust anchors for the endpoint, `{configMap, key}`, as PEM. Default: public authorities.',
}
export const CLIENT_SECRET_ROW: Row = {
  parse: hiddenField(absolutePath),
  written: { key: 'clientSecret', parse: secretFile('secret', 'client-secret') },
  doc: "Secret in the namespace of the pod with the client's secret, `{secret, key}`. The sidecar alone can read it; it reads it again when it changes.",
}
const otherEndpoint = optional(endpointUrl, 'Another endpoint, such as that of a sovereign cloud or a gateway.')
const scope = optional(stringField(scopeText), 'Scopes, with one space between.')
/** Of servers that one runs oneself: both grants, and the client that the second one needs. */
const SELF_HOSTED = {
  scope,
  grant: optional(
    stringField(oneOf('client-credentials', 'jwt-bearer')),
    'Default `client-credentials`: the token is the assertion of the client. `jwt-bearer`: the token stands for its subject, and the client authenticates by a secret.',
  ),
  clientAuth: optional(
    stringField(oneOf('assertion', 'basic', 'post')),
    'How the client authenticates. Default `assertion`, with `clientSecret` `basic`.',
  ),
  clientSecretFile: CLIENT_SECRET_ROW,
  caFile: CA_ROW,
} as const

/** The closed set. docs/presets.md is made from it. */
export const PRESETS = {
  entra: {
    title: 'Microsoft Entra ID',
    parameters: {
      tenantId: required(
        stringField(matching(/^[A-Za-z0-9.-]{1,253}$/, 'a tenant ID or a domain of the tenant')),
        'Tenant.',
      ),
      clientId: required(stringField(identifierText), 'Application (client) ID.'),
      scope: required(
        stringField(
          matching(
            /^[\x21\x23-\x5b\x5d-\x7e]+\/\.default$/,
            'one resource followed by /.default, such as https://graph.microsoft.com/.default',
          ),
        ),
        'Resource and `/.default`.',
      ),
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: ['{tokenUrl}', 'https://login.microsoftonline.com/{tenantId}/oauth2/v2.0/token'],
    grant: 'client-credentials',
    body: 'form',
    audience: 'api://AzureADTokenExchange',
    limits: { algorithms: ['RS256'], default: 300, oneAudience: true },
    why: 'Entra refuses every EC signature (AADSTS5002738), and a federated credential has one audience.',
    sources: [
      'https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations',
      'https://github.com/AzureAD/microsoft-identity-web/issues/3467',
    ],
  },
  databricks: {
    title: 'Databricks',
    parameters: {
      host: optional(stringField(bareHostText), 'Host of the workspace. Without it the account is asked.'),
      accountId: optional(stringField(UUID), 'Account. Needed without `host`; else it is the default audience alone.'),
      clientId: optional(
        stringField(identifierText),
        'Service principal; without it a policy of the whole account counts.',
      ),
      scope,
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: [
      '{tokenUrl}',
      'https://{host}/oidc/v1/token',
      'https://accounts.cloud.databricks.com/oidc/accounts/{accountId}/v1/token',
    ],
    grant: 'token-exchange',
    body: 'form',
    scope: 'all-apis',
    audience: '{accountId}',
    limits: { algorithms: ['RS256'], default: 3600 },
    why: 'Databricks takes RS256 and ES256 alone, and its token lives no longer than the one it was made from.',
    sources: [
      'https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange',
      'https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-policy',
    ],
  },
  forgerock: {
    title: 'ForgeRock AM, PingAM',
    parameters: {
      tokenUrl: required(
        endpointUrl,
        'Token endpoint of the realm, `https://…/oauth2/realms/root/realms/<realm>/access_token`.',
      ),
      clientId: required(
        stringField(identifierText),
        'Client. With `client-credentials` it must be the subject of the token: the ARN of the role.',
      ),
      ...SELF_HOSTED,
    },
    tokenUrl: ['{tokenUrl}'],
    grant: 'client-credentials',
    body: 'form',
    audience: '{tokenUrl}',
    limits: { algorithms: EVERY_ALGORITHM, longest: 1740, default: 600 },
    why: 'AM refuses a token that expires more than 30 minutes ahead ("JWT expiration time is unreasonable").',
    sources: [
      'https://docs.pingidentity.com/pingam/7.2/oauth2-guide/client-auth-jwt.html',
      'https://docs.pingidentity.com/pingam/8/am-oauth2/oauth2-jwt-bearer-grant.html',
    ],
  },
  keycloak: {
    title: 'Keycloak',
    parameters: {
      issuer: required(baseUrl, 'Issuer of the realm, `https://<host>/realms/<realm>`.'),
      clientId: optional(stringField(identifierText), 'Client. Needed with `jwt-bearer`.'),
      ...SELF_HOSTED,
    },
    tokenUrl: ['{issuer}/protocol/openid-connect/token'],
    grant: 'client-credentials',
    body: 'form',
    audience: '{issuer}',
    limits: { algorithms: EVERY_ALGORITHM, longest: 300, default: 300, takesOnce: true },
    why: 'Keycloak takes each token once, and none that lives longer than 5 minutes, unless its administrator said otherwise; for those realms there is type `oauth2`.',
    sources: [
      'https://www.keycloak.org/securing-apps/jwt-authorization-grant',
      'https://www.keycloak.org/2026/01/federated-client-authentication',
      'https://www.keycloak.org/docs/latest/server_admin/',
    ],
  },
  openai: {
    title: 'OpenAI',
    parameters: {
      identityProviderId: required(stringField(identifierText), 'Identity provider of the organization.'),
      serviceAccountId: required(stringField(identifierText), 'Service account.'),
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: ['{tokenUrl}', 'https://auth.openai.com/oauth/token'],
    grant: 'token-exchange',
    body: 'json',
    audience: 'https://api.openai.com/v1',
    params: { identity_provider_id: '{identityProviderId}', service_account_id: '{serviceAccountId}' },
    // Eight exchanges an hour, should the result end with the source token.
    limits: { algorithms: EVERY_ALGORITHM, default: 900 },
    why: 'OpenAI takes both algorithms and prefers ES384. Its token may live no longer than the one it was made from.',
    sources: [
      'https://developers.openai.com/api/reference/workload-identity-federation',
      'https://developers.openai.com/api/reference/workload-identity-federation/aws',
    ],
  },
  anthropic: {
    title: 'Anthropic',
    parameters: {
      federationRuleId: required(
        stringField(matching(/^fdrl_\w{1,100}$/, 'fdrl_ and letters or digits')),
        'Federation rule, `fdrl_…`.',
      ),
      organizationId: required(stringField(UUID), 'Organization, a UUID.'),
      serviceAccountId: required(
        stringField(matching(/^svac_\w{1,100}$/, 'svac_ and letters or digits')),
        'Service account, `svac_…`.',
      ),
      workspaceId: optional(
        stringField(matching(/^(?:wrkspc_\w{1,100}|default)$/, 'wrkspc_ and letters or digits, or default')),
        'Workspace, `wrkspc_…` or `default`; needed when the rule spans several.',
      ),
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: ['{tokenUrl}', 'https://api.anthropic.com/v1/oauth/token'],
    grant: 'jwt-bearer',
    body: 'json',
    audience: 'https://api.anthropic.com',
    params: {
      federation_rule_id: '{federationRuleId}',
      organization_id: '{organizationId}',
      service_account_id: '{serviceAccountId}',
      workspace_id: '{workspaceId}',
    },
    headers: { 'anthropic-beta': 'oauth-2025-04-20,oidc-federation-2026-04-01' },
    limits: { algorithms: EVERY_ALGORITHM, longest: 3600, default: 1800, takesOnce: true },
    why: 'Anthropic takes each token once, by default none that lives longer than an hour, and its own lives at most twice what was left of it.',
    sources: [
      'https://platform.claude.com/docs/en/manage-claude/wif-reference',
      'https://platform.claude.com/docs/en/manage-claude/wif-providers/aws',
    ],
  },
  tailscale: {
    title: 'Tailscale',
    parameters: {
      clientId: required(stringField(identifierText), 'Client ID of the federated identity.'),
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: ['{tokenUrl}', 'https://api.tailscale.com/api/v2/oauth/token-exchange'],
    grant: 'jwt',
    body: 'form',
    audience: 'api.tailscale.com/{clientId}',
    limits: { algorithms: EVERY_ALGORITHM, default: 300 },
    why: 'Tailscale takes both algorithms. Its endpoint knows no grant: it takes `client_id` and `jwt`.',
    sources: ['https://github.com/tailscale/tailscale/tree/main/feature/identityfederation'],
  },
  openrouter: {
    title: 'OpenRouter',
    parameters: {
      federationPolicyId: required(stringField(identifierText), 'Federation policy.'),
      scope,
      tokenUrl: otherEndpoint,
      caFile: CA_ROW,
    },
    tokenUrl: ['{tokenUrl}', 'https://openrouter.ai/api/v1/oauth/token'],
    grant: 'token-exchange',
    body: 'form',
    params: { federation_policy_id: '{federationPolicyId}' },
    limits: { algorithms: EVERY_ALGORITHM, default: 1800 },
    why: "OpenRouter's token lives 15 minutes at most, and no longer than the one it was made from. The audience is what the policy says.",
    sources: ['https://openrouter.ai/docs/guides/overview/auth/workload-identity-federation'],
  },
} as const satisfies Readonly<Record<string, Preset>>

export type PresetName = keyof typeof PRESETS
export const PRESET_NAMES = Object.keys(PRESETS) as readonly PresetName[]

/** @returns the text of a template, or undefined when it names what was not given. */
export function fill(template: string, values: Readonly<Record<string, string | undefined>>): string | undefined {
  const missing = [...template.matchAll(/\{(\w+)\}/g)].some(([, name = '']) => values[name] === undefined)
  return missing ? undefined : template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '')
}
