import type { FieldValues } from './exchange.ts'
import { EXCHANGE_TYPES, TYPE_LIMITS } from './exchange.ts'
import { bareHostText, baseUrl, identifierText, matching } from './exchange-values.ts'
import type { FieldParser } from './fields.ts'
import { isRecord, rejectUnknown, show, stringField } from './fields.ts'
import type { ExchangeField, TokenLimits } from './presets.ts'
import { PRESETS, fill } from './presets.ts'
import type { Problem, Report } from './problem.ts'
import type { Taker } from './token-rules.ts'

/** An official SDK that reads a token from a file and exchanges it by itself, as data. */
export interface Sdk {
  readonly title: string
  readonly parameters: Readonly<Record<string, ExchangeField<string | number>>>
  /** Variable → template of its value: parameters, and `{file}`, the path of the token. One with a parameter that was not given is not set. */
  readonly variables: Readonly<Record<string, string>>
  /** Variables with which the SDK would never look at the file. */
  readonly overriding: readonly string[]
  /** Template. Absent: the author must say it. */
  readonly audience?: string
  readonly limits: TokenLimits
  /** Why the limits are what they are, for whoever meets one. */
  readonly why: string
  /** Where the SDK's behaviour is described. */
  readonly sources: readonly string[]
}

type Row = ExchangeField<string>
const required = (parse: Row['parse'], doc: string): Row & { readonly required: true } => ({
  parse,
  required: true,
  doc,
})
const optional = (parse: Row['parse'], doc: string): Row => ({ parse, doc })
const arnOf = (form: RegExp, example: string): Row['parse'] => stringField(matching(form, example))

const { entra, databricks, anthropic } = PRESETS
const { google } = EXCHANGE_TYPES

/** By the key that an author writes below `sdk`. */
export const SDKS = {
  azure: {
    title: 'Azure SDKs',
    parameters: {
      clientId: required(stringField(identifierText), entra.parameters.clientId.doc),
      tenantId: required(entra.parameters.tenantId.parse, entra.parameters.tenantId.doc),
      authorityHost: optional(baseUrl, 'Of a sovereign cloud, such as `https://login.microsoftonline.us`.'),
    },
    variables: {
      AZURE_CLIENT_ID: '{clientId}',
      AZURE_TENANT_ID: '{tenantId}',
      AZURE_FEDERATED_TOKEN_FILE: '{file}',
      AZURE_AUTHORITY_HOST: '{authorityHost}',
    },
    overriding: ['AZURE_CLIENT_SECRET', 'AZURE_CLIENT_CERTIFICATE_PATH'],
    audience: entra.audience,
    // The SDKs of Python and Go keep what they read for 10 minutes; what is left at half its life must be longer.
    limits: { ...entra.limits, default: 1800 },
    why: entra.why,
    sources: [
      'https://learn.microsoft.com/python/api/azure-identity/azure.identity.workloadidentitycredential',
      'https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/azidentity/workload_identity.go',
    ],
  },
  google: {
    title: 'Google Cloud client libraries',
    parameters: {
      audience: google.audience,
      serviceAccount: google.serviceAccount,
      lifetimeSeconds: google.lifetimeSeconds,
    },
    variables: { GOOGLE_APPLICATION_CREDENTIALS: '{file}.json' },
    overriding: [],
    audience: 'https:{audience}',
    limits: { ...TYPE_LIMITS.google, default: 900 },
    why: 'Google takes RS256 and ES256 alone.',
    sources: ['https://google.aip.dev/auth/4117'],
  },
  alibaba: {
    title: 'Alibaba Cloud SDKs',
    parameters: {
      roleArn: required(arnOf(/^acs:ram::\d{1,20}:role\/[\w.@-]{1,64}$/, 'acs:ram::ACCOUNT:role/NAME'), 'RAM role.'),
      oidcProviderArn: required(
        arnOf(/^acs:ram::\d{1,20}:oidc-provider\/[\w.@-]{1,128}$/, 'acs:ram::ACCOUNT:oidc-provider/NAME'),
        'OIDC provider of RAM.',
      ),
      roleSessionName: optional(
        stringField(matching(/^[\w.@-]{2,64}$/, '2 to 64 letters, digits or _.@-')),
        'Name of the session in the logs of Alibaba Cloud.',
      ),
      stsRegion: optional(stringField(matching(/^[a-z0-9-]{1,64}$/, 'a region such as cn-hangzhou')), 'Region of STS.'),
    },
    variables: {
      ALIBABA_CLOUD_ROLE_ARN: '{roleArn}',
      ALIBABA_CLOUD_OIDC_PROVIDER_ARN: '{oidcProviderArn}',
      ALIBABA_CLOUD_OIDC_TOKEN_FILE: '{file}',
      ALIBABA_CLOUD_ROLE_SESSION_NAME: '{roleSessionName}',
      ALIBABA_CLOUD_STS_REGION: '{stsRegion}',
    },
    overriding: ['ALIBABA_CLOUD_ACCESS_KEY_ID'],
    limits: { algorithms: ['RS256'], default: 900 },
    why: 'RAM takes RS256. The audience is one of the client IDs of the provider.',
    sources: ['https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc'],
  },
  databricks: {
    title: 'Databricks SDKs',
    parameters: {
      host: required(stringField(bareHostText), 'Host of the workspace.'),
      clientId: required(stringField(identifierText), 'Service principal.'),
      accountId: optional(databricks.parameters.accountId.parse, 'Account; the default audience.'),
    },
    variables: {
      DATABRICKS_HOST: 'https://{host}',
      DATABRICKS_CLIENT_ID: '{clientId}',
      DATABRICKS_ACCOUNT_ID: '{accountId}',
      DATABRICKS_AUTH_TYPE: 'file-oidc',
      DATABRICKS_OIDC_TOKEN_FILEPATH: '{file}',
    },
    overriding: ['DATABRICKS_TOKEN'],
    audience: databricks.audience,
    limits: databricks.limits,
    why: databricks.why,
    sources: ['https://docs.databricks.com/aws/en/dev-tools/auth/oauth-federation-exchange'],
  },
  anthropic: {
    title: 'Anthropic SDKs',
    parameters: {
      federationRuleId: required(
        anthropic.parameters.federationRuleId.parse,
        anthropic.parameters.federationRuleId.doc,
      ),
      organizationId: required(anthropic.parameters.organizationId.parse, anthropic.parameters.organizationId.doc),
      serviceAccountId: required(
        anthropic.parameters.serviceAccountId.parse,
        anthropic.parameters.serviceAccountId.doc,
      ),
      workspaceId: optional(anthropic.parameters.workspaceId.parse, anthropic.parameters.workspaceId.doc),
    },
    variables: {
      ANTHROPIC_FEDERATION_RULE_ID: '{federationRuleId}',
      ANTHROPIC_ORGANIZATION_ID: '{organizationId}',
      ANTHROPIC_SERVICE_ACCOUNT_ID: '{serviceAccountId}',
      ANTHROPIC_WORKSPACE_ID: '{workspaceId}',
      ANTHROPIC_IDENTITY_TOKEN_FILE: '{file}',
    },
    overriding: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN'],
    audience: anthropic.audience,
    limits: anthropic.limits,
    why: anthropic.why,
    sources: ['https://platform.claude.com/docs/en/manage-claude/wif-reference'],
  },
} as const satisfies Readonly<Record<string, Sdk>>

export type SdkName = keyof typeof SDKS
export const SDK_NAMES = Object.keys(SDKS) as readonly SdkName[]

/** What an author wrote below `sdk`: one name, with its parameters. */
export type SdkChoice = { readonly [Name in SdkName]?: FieldValues<(typeof SDKS)[Name]['parameters']> }

/** `{azure: {clientId, tenantId}}`: one SDK and its parameters. */
export const sdkChoice: FieldParser<SdkChoice> = (value, where, report) => {
  const [name, ...more] = isRecord(value) ? Object.keys(value) : []
  const known = SDK_NAMES.find((candidate) => candidate === name)
  if (!isRecord(value) || known === undefined || more.length > 0) {
    report({ where, value: show(value), allowed: `a mapping with one of ${SDK_NAMES.join(', ')} and its parameters` })
    return undefined
  }
  const problems: Problem[] = []
  const parameters = parseParameters(value[known], SDKS[known], `${where}.${known}`, (problem) => {
    problems.push(problem)
  })
  problems.forEach(report)
  return problems.length === 0 ? { [known]: parameters } : undefined
}

function parseParameters(value: unknown, { parameters }: Sdk, where: string, report: Report): object {
  const names = Object.keys(parameters)
  if (!isRecord(value)) {
    report({ where, value: show(value), allowed: `a mapping with ${names.join(', ')}` })
    return {}
  }
  rejectUnknown(value, names, where, report)
  const parsed = Object.entries(parameters).flatMap(([name, { parse, required: isRequired }]) => {
    const raw = value[name]
    const place = `${where}.${name}`
    if (raw !== undefined) return [[name, parse(raw, place, report)]]
    if (isRequired) report({ where: place, value: undefined, allowed: 'a value; it has no default' })
    return []
  })
  return Object.fromEntries(parsed) as object
}

/** @returns the SDK that an author chose. */
export function chosenSdk(choice: SdkChoice): Sdk & { readonly name: SdkName } {
  const name = SDK_NAMES.find((candidate) => choice[candidate] !== undefined)
  if (name === undefined) throw new TypeError('no SDK')
  return { name, ...SDKS[name] }
}

/** @returns what the SDK takes. */
export function sdkTaker(choice: SdkChoice): Taker {
  const { name, limits, why, audience }: Sdk & { name: SdkName } = chosenSdk(choice)
  return { name: `sdk ${name}`, limits, why, audience: audience && fill(audience, textsOf(choice)) }
}

/** @returns the variables that make the SDK read a token from this path. */
export function sdkVariables(choice: SdkChoice, file: string): readonly (readonly [name: string, value: string])[] {
  const values = { ...textsOf(choice), file }
  return Object.entries(chosenSdk(choice).variables).flatMap(([variable, template]) => {
    const value = fill(template, values)
    return value === undefined ? [] : [[variable, value] as const]
  })
}

const textsOf = (choice: SdkChoice): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.values(choice).flatMap((parameters) =>
      Object.entries(parameters).map(([name, value]) => [name, String(value)]),
    ),
  )
