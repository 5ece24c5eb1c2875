import type { FieldParser } from './fields.ts'
import { listField, stringField, writtenDuration } from './fields.ts'
import {
  baseUrl,
  endpointUrl,
  exchangeHeaders,
  identifierText,
  matching,
  parameters,
  scopeText,
  typeText,
  valueText,
} from './exchange-values.ts'
import { oneOf } from './parsers.ts'
import type { ExchangeField, Preset, PresetName, TokenLimits } from './presets.ts'
import { CA_ROW, CLIENT_SECRET_ROW, PRESETS, fill } from './presets.ts'

/** A call of an OAuth 2.0 token endpoint, complete. What is absent is not sent. */
export interface OAuth2Exchange {
  readonly type: 'oauth2'
  readonly tokenUrl: string
  /**
   * Where the source token goes: RFC 8693 §2.1, RFC 7523 §2.1 or, as client assertion, RFC 7523 §2.2.
   * `jwt`: no grant at all, the parameters `client_id` and `jwt` (Tailscale).
   */
  readonly grant: 'token-exchange' | 'jwt-bearer' | 'client-credentials' | 'jwt'
  /** Sent as `client_id`; with `basic` in the header alone. */
  readonly clientId?: string
  /** `assertion`: the source token (RFC 7523 §2.2). `none`: nothing but `client_id`, where there is one. */
  readonly clientAuth: 'assertion' | 'basic' | 'post' | 'none'
  /** There with `basic` and `post` alone. */
  readonly clientSecretFile?: string
  readonly scope?: string
  readonly audience?: string
  readonly resource?: string
  /** There with `token-exchange` alone, where it is required. */
  readonly subjectTokenType?: string
  readonly requestedTokenType?: string
  readonly params: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: 'form' | 'json'
  /** Seconds that the result lives where the answer does not say it. */
  readonly expiresIn?: number
  readonly caFile?: string
}

/** Workload identity federation of Google Cloud. */
export interface GoogleExchange {
  readonly type: 'google'
  /** `//iam.googleapis.com/projects/…/providers/…`. */
  readonly audience: string
  /** Its token is what the partner gets. Always there with `id`. */
  readonly serviceAccount?: string
  readonly scopes: readonly string[]
  readonly tokenKind: 'access' | 'id'
  /** Audience of the ID token; there with `id` alone. */
  readonly targetAudience?: string
  /** Of the access token of the service account. */
  readonly lifetimeSeconds?: number
  readonly caFile?: string
}

/** A login at Vault or OpenBao by JWT: `POST <address>/v1/auth/<mount>/login`. */
export interface VaultExchange {
  readonly type: 'vault'
  readonly address: string
  readonly mount: string
  readonly role: string
  readonly namespace?: string
  readonly caFile?: string
}

/** What the sidecar calls. */
export type ExpandedExchange = OAuth2Exchange | GoogleExchange | VaultExchange

const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt'
/** What Google's own libraries ask for by default. */
const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const VAULT_MOUNT = 'jwt'
const HOUR_SECONDS = 3600

/** Fields of each type, in the order of the docs and of error messages. */
export const EXCHANGE_TYPES = {
  oauth2: {
    tokenUrl: { parse: endpointUrl, required: true, doc: 'Token endpoint.' },
    grant: {
      parse: stringField(oneOf('token-exchange', 'jwt-bearer', 'client-credentials')),
      required: true,
      doc: '`token-exchange` (RFC 8693), `jwt-bearer` (RFC 7523 §2.1), or `client-credentials` with the token as assertion of the client (RFC 7523 §2.2).',
    },
    clientId: { parse: stringField(valueText), doc: 'Sent as `client_id`.' },
    clientAuth: {
      parse: stringField(oneOf('assertion', 'basic', 'post', 'none')),
      doc: 'How the client authenticates: by the token as `assertion`, by its secret in the header (`basic`) or in the body (`post`), or not (`none`). Default: `assertion` with `client-credentials`, `basic` with `clientSecret`, else `none`.',
    },
    clientSecretFile: CLIENT_SECRET_ROW,
    scope: { parse: stringField(scopeText), doc: 'Scopes, with one space between.' },
    audience: {
      parse: stringField(valueText),
      doc: 'Sent as `audience`; not the audience of the token, which is a key of the route.',
    },
    resource: { parse: stringField(valueText), doc: 'Sent as `resource` (RFC 8707).' },
    subjectTokenType: { parse: stringField(typeText), doc: `With \`token-exchange\`. Default \`${JWT_TYPE}\`.` },
    requestedTokenType: { parse: stringField(typeText), doc: 'With `token-exchange`.' },
    params: { parse: parameters, doc: "Vendor's own parameters, `{name: value}`, at most 20. No secrets." },
    headers: { parse: exchangeHeaders, doc: 'Headers of this call, `{Name: value}`, at most 20. No secrets.' },
    body: { parse: stringField(oneOf('form', 'json')), doc: '`form` (default), or `json` where a vendor wants that.' },
    expiresIn: {
      parse: writtenDuration({ minimum: 60, maximum: 24 * HOUR_SECONDS }),
      doc: 'Life of the result where the answer does not say it, 60 s to 24 h. Default 300 s.',
    },
    caFile: CA_ROW,
  },
  google: {
    audience: {
      parse: stringField(
        matching(
          /^\/\/iam\.googleapis\.com\/projects\/\d{1,20}\/locations\/global\/workloadIdentityPools\/[a-z][\da-z-]{2,31}\/providers\/[a-z][\da-z-]{2,31}$/,
          '//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER',
        ),
      ),
      required: true,
      doc: 'The provider: `//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.',
    },
    serviceAccount: {
      parse: stringField(matching(/^[\da-z.-]{1,100}@[\da-z.-]{1,253}$/, 'the e-mail address of a service account')),
      doc: 'Service account whose token the partner gets. Without it, the federated token, which some APIs refuse.',
    },
    scopes: {
      parse: listField(matching(/^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/, 'a scope, which is a URL'), 1, 20),
      doc: `Scopes, a list. Default \`[${GOOGLE_SCOPE}]\`.`,
    },
    tokenKind: {
      parse: stringField(oneOf('access', 'id')),
      doc: '`access` (default), or `id` for services behind Cloud Run or IAP.',
    },
    targetAudience: { parse: stringField(valueText), doc: 'Audience of the ID token.' },
    lifetimeSeconds: {
      parse: writtenDuration({ minimum: 600, maximum: 12 * HOUR_SECONDS }),
      doc: 'Life of the access token of the service account, 10 min to 12 h; above 1 h only where a policy of the organization allows it.',
    },
    caFile: CA_ROW,
  },
  vault: {
    address: { parse: baseUrl, required: true, doc: 'Where Vault or OpenBao is, `https://vault.example:8200`.' },
    role: { parse: stringField(valueText), required: true, doc: 'Role of the auth method.' },
    mount: {
      parse: stringField(matching(/^[\w-]+(?:[./][\w-]+){0,20}$/, 'the path of an auth method, such as jwt')),
      doc: `Path of the auth method. Default \`${VAULT_MOUNT}\`.`,
    },
    namespace: { parse: stringField(identifierText), doc: 'Sent as `X-Vault-Namespace`.' },
    caFile: CA_ROW,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, ExchangeField<unknown>>>>>

export type ExchangeType = keyof typeof EXCHANGE_TYPES
export const EXCHANGE_TYPE_NAMES = Object.keys(EXCHANGE_TYPES) as readonly ExchangeType[]

type Required<Fields> = {
  [Name in keyof Fields]: Fields[Name] extends { readonly required: true } ? Name : never
}[keyof Fields]
type Parsed<Row> = Row extends { readonly parse: FieldParser<infer T> } ? T : never
/** What a table of fields parses to. */
export type FieldValues<Fields> = { readonly [Name in Required<Fields>]: Parsed<Fields[Name]> } & {
  readonly [Name in Exclude<keyof Fields, Required<Fields>>]?: Parsed<Fields[Name]>
}

/** A preset and its parameters, each a text. */
export interface PresetExchange {
  readonly preset: PresetName
  readonly [parameter: string]: string
}

/** An exchange as ROUTES has it: what its author chose. `expandExchange` gives the rest. */
export type Exchange =
  | { [Type in ExchangeType]: { readonly type: Type } & FieldValues<(typeof EXCHANGE_TYPES)[Type]> }[ExchangeType]
  | PresetExchange

/** @returns the complete exchange: defaults filled in, a preset turned into the call it stands for. */
export function expandExchange(exchange: Exchange): ExpandedExchange {
  if ('preset' in exchange) return expandPreset(exchange)
  switch (exchange.type) {
    case 'oauth2':
      return completeOAuth2(exchange)
    case 'google':
      return { scopes: [GOOGLE_SCOPE], tokenKind: 'access', ...exchange }
    case 'vault':
      return { mount: VAULT_MOUNT, ...exchange }
  }
}

function expandPreset({ preset: name, ...given }: PresetExchange): OAuth2Exchange {
  const preset: Preset = PRESETS[name]
  const shared = Object.entries(given).filter(([parameter]) => Object.hasOwn(EXCHANGE_TYPES.oauth2, parameter))
  const params = Object.entries(preset.params ?? {}).flatMap(([parameter, template]) => {
    const value = fill(template, given)
    return value === undefined ? [] : [[parameter, value] as const]
  })
  return completeOAuth2({
    grant: preset.grant,
    ...(preset.scope !== undefined && { scope: preset.scope }),
    ...Object.fromEntries(shared),
    body: preset.body,
    headers: preset.headers ?? {},
    params: Object.fromEntries(params),
    tokenUrl: preset.tokenUrl.map((template) => fill(template, given)).find((url) => url !== undefined) ?? '',
  })
}

function completeOAuth2(given: Partial<OAuth2Exchange> & Pick<OAuth2Exchange, 'grant' | 'tokenUrl'>): OAuth2Exchange {
  const clientAuth =
    given.grant === 'client-credentials' ? 'assertion' : given.clientSecretFile === undefined ? 'none' : 'basic'
  return {
    clientAuth,
    ...(given.grant === 'token-exchange' && { subjectTokenType: JWT_TYPE }),
    params: {},
    headers: {},
    body: 'form',
    ...given,
    type: 'oauth2',
  }
}

/** Limits of the types; those of presets are in their table. */
export const TYPE_LIMITS: Readonly<Record<ExchangeType, TokenLimits>> = {
  oauth2: { algorithms: ['RS256', 'ES384'], default: 900 },
  google: { algorithms: ['RS256'], default: 300 },
  vault: { algorithms: ['RS256', 'ES384'], default: 300 },
}

/** @returns what the partner takes as source token. */
export function limitsOf(exchange: Exchange): TokenLimits {
  return 'preset' in exchange ? PRESETS[exchange.preset].limits : TYPE_LIMITS[exchange.type]
}

/** @returns the audience of source tokens where a route says none, or undefined where it must. */
export function defaultAudience(exchange: Exchange): string | undefined {
  // Google takes the name of the provider with this scheme where its administrator listed no audiences.
  if (!('preset' in exchange)) return exchange.type === 'google' ? `https:${exchange.audience}` : undefined
  const { preset, ...given } = exchange
  const { audience }: Preset = PRESETS[preset]
  return audience === undefined ? undefined : fill(audience, given)
}

/** @returns how messages and docs call it. */
export function exchangeName(exchange: Exchange): string {
  return 'preset' in exchange ? `preset ${exchange.preset}` : `type ${exchange.type}`
}
