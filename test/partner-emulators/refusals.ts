// What each emulated partner refuses, in its own words.
import type { FailureReason } from '../../proxy/src/tokens/failures.ts'
import type { FaultEffect } from '../aws-emulator/src/index.ts'
import type { Exchange, Name } from './cases.ts'
import { GOOGLE } from './vendors/google.ts'

/** A token, or a request for one, that a partner does not take. */
export interface Refusal {
  readonly vendor: Name
  readonly what: string
  /** Fields of the exchange that its author got wrong. */
  readonly exchange?: Exchange
  /** Fields of the route that its author got wrong. */
  readonly route?: Readonly<Record<string, unknown>>
  /** What is wrong with the token that AWS signs. */
  readonly token?: FaultEffect
  readonly reason: FailureReason
  /** Status and words of the partner, as the application gets to see them. */
  readonly said: string
}

const OTHER_ISSUER: FaultEffect = { kind: 'claims', claims: { iss: 'https://other.example' } }
const OTHER_SUBJECT: FaultEffect = { kind: 'claims', claims: { sub: 'other' } }
const FORGED: FaultEffect = { kind: 'stale-key' }
const OTHER_AUDIENCE = { audience: ['other'] }
const TRACE = 'Trace ID: 00000000-0000-4000-8000-000000000000'
const NO_RECORD = 'No matching federated identity record found for presented assertion'
const NO_POLICY = 'HTTP 400, invalid_grant: The subject token does not match a federation policy'
const UNPROVEN = 'HTTP 401, authentication_error: Authentication failed'
const UNKNOWN_CLIENT = 'HTTP 401, invalid_client: Invalid client or Invalid client credentials'

/** Every way in which a route that admission lets through is refused by the partner. */
export const REFUSALS: readonly Refusal[] = [
  {
    vendor: 'entra',
    what: 'another tenant',
    exchange: { tenantId: 'other.example' },
    reason: 'exchange_denied',
    said: `HTTP 400, invalid_request: AADSTS90002: Tenant not found. ${TRACE}`,
  },
  {
    vendor: 'entra',
    what: 'an unknown application',
    exchange: { clientId: 'other' },
    reason: 'unauthorized_client',
    said: `HTTP 400, unauthorized_client: AADSTS700016: Application was not found in the directory. ${TRACE}`,
  },
  {
    vendor: 'entra',
    what: 'another issuer',
    token: OTHER_ISSUER,
    reason: 'invalid_client',
    said: `HTTP 401, invalid_client: AADSTS700211: ${NO_RECORD} issuer. ${TRACE}`,
  },
  {
    vendor: 'entra',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_client',
    said: `HTTP 401, invalid_client: AADSTS700212: ${NO_RECORD} audience. ${TRACE}`,
  },
  {
    vendor: 'entra',
    what: 'another subject',
    token: OTHER_SUBJECT,
    reason: 'invalid_client',
    said: `HTTP 401, invalid_client: AADSTS700213: ${NO_RECORD} subject. ${TRACE}`,
  },
  {
    vendor: 'entra',
    what: 'a signature that does not verify',
    token: FORGED,
    reason: 'invalid_client',
    said: `HTTP 401, invalid_client: AADSTS700027: Client assertion failed signature validation. ${TRACE}`,
  },
  {
    vendor: 'databricks',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_grant',
    said: `${NO_POLICY}: audience.`,
  },
  {
    vendor: 'databricks',
    what: 'another subject',
    token: OTHER_SUBJECT,
    reason: 'invalid_grant',
    said: `${NO_POLICY}: subject.`,
  },
  {
    vendor: 'databricks',
    what: 'an unknown service principal',
    exchange: { clientId: 'other' },
    reason: 'invalid_client',
    said: 'HTTP 401, invalid_client: Service principal not found.',
  },
  {
    vendor: 'google',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_grant',
    said: 'HTTP 400, invalid_grant: The audience in ID Token does not match the expected audience.',
  },
  {
    vendor: 'google',
    what: 'another issuer',
    token: OTHER_ISSUER,
    reason: 'invalid_grant',
    said: 'HTTP 400, invalid_grant: The issuer in ID Token does not match the expected ones.',
  },
  {
    vendor: 'google',
    what: 'a subject against the condition of the provider',
    token: OTHER_SUBJECT,
    reason: 'unauthorized_client',
    said: 'HTTP 400, unauthorized_client: The given credential is rejected by the attribute condition.',
  },
  {
    vendor: 'google',
    what: 'another provider',
    exchange: { audience: GOOGLE.audience.replace('/orders', '/other') },
    route: { audience: [`https:${GOOGLE.audience}`] },
    reason: 'invalid_target',
    said: 'HTTP 400, invalid_target: The target service indicated by the "audience" parameters is invalid.',
  },
  {
    vendor: 'google',
    what: 'a service account that it may not use',
    exchange: { serviceAccount: 'other@shop.iam.gserviceaccount.com' },
    reason: 'exchange_denied',
    said: "HTTP 403, PERMISSION_DENIED: Permission 'iam.serviceAccounts.getAccessToken' denied on resource.",
  },
  {
    vendor: 'google',
    what: 'a life that the organization does not permit',
    exchange: { lifetimeSeconds: 7_200 },
    reason: 'exchange_denied',
    said: 'HTTP 400, INVALID_ARGUMENT: The token lifetime is longer than permitted.',
  },
  {
    vendor: 'vault',
    what: 'an unknown role',
    exchange: { role: 'other' },
    reason: 'exchange_denied',
    said: 'HTTP 400, role "other" could not be found',
  },
  {
    vendor: 'vault',
    what: 'another namespace',
    exchange: { namespace: 'other' },
    reason: 'exchange_denied',
    said: 'HTTP 403, permission denied',
  },
  {
    vendor: 'vault',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'exchange_denied',
    said: 'HTTP 400, error validating token: invalid audience (aud) claim: audience claim does not match any expected audience',
  },
  {
    vendor: 'vault',
    what: 'another subject',
    token: OTHER_SUBJECT,
    reason: 'exchange_denied',
    said: 'HTTP 400, error validating token: sub claim does not match bound subject',
  },
  {
    vendor: 'vault',
    what: 'a signature with ES384',
    route: { signingAlgorithm: 'ES384' },
    reason: 'exchange_denied',
    said: 'HTTP 400, error validating token: invalid algorithm',
  },
  {
    vendor: 'anthropic',
    what: 'an unknown rule',
    exchange: { federationRuleId: 'fdrl_other' },
    reason: 'exchange_denied',
    said: UNPROVEN,
  },
  { vendor: 'anthropic', what: 'another audience', route: OTHER_AUDIENCE, reason: 'exchange_denied', said: UNPROVEN },
  { vendor: 'anthropic', what: 'another subject', token: OTHER_SUBJECT, reason: 'exchange_denied', said: UNPROVEN },
  {
    vendor: 'openai',
    what: 'a service account without a mapping',
    exchange: { serviceAccountId: 'other' },
    reason: 'exchange_denied',
    said: 'HTTP 403, access_denied: No mapping for this service account.',
  },
  {
    vendor: 'openai',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_grant',
    said: 'HTTP 401, invalid_grant: The subject token is not valid: audience.',
  },
  {
    vendor: 'tailscale',
    what: 'an unknown client',
    exchange: { clientId: 'other' },
    reason: 'exchange_denied',
    said: 'HTTP 403, Unauthorized',
  },
  {
    vendor: 'tailscale',
    what: 'another subject',
    token: OTHER_SUBJECT,
    reason: 'exchange_denied',
    said: 'HTTP 403, Unauthorized',
  },
  {
    vendor: 'openrouter',
    what: 'an unknown policy',
    exchange: { federationPolicyId: 'other' },
    reason: 'invalid_target',
    said: 'HTTP 400, invalid_target: No such policy.',
  },
  {
    vendor: 'openrouter',
    what: 'a signature that does not verify',
    token: FORGED,
    reason: 'invalid_grant',
    said: 'HTTP 400, invalid_grant: The subject token does not match the policy: signature.',
  },
  {
    vendor: 'forgerock',
    what: 'a client that is not the subject',
    exchange: { clientId: 'other' },
    reason: 'invalid_client',
    said: 'HTTP 401, invalid_client: Client authentication failed',
  },
  {
    vendor: 'forgerock',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_client',
    said: 'HTTP 401, invalid_client: Client authentication failed',
  },
  {
    vendor: 'forgerock',
    what: 'a scope that the client does not have',
    exchange: { scope: 'admin' },
    reason: 'exchange_denied',
    said: 'HTTP 400, invalid_scope: Unknown/invalid scope(s): [admin]',
  },
  {
    vendor: 'keycloak',
    what: 'another realm',
    exchange: { issuer: 'https://sso.partner.example/realms/other' },
    reason: 'exchange_denied',
    said: 'HTTP 404, Realm does not exist',
  },
  {
    vendor: 'keycloak',
    what: 'another audience',
    route: OTHER_AUDIENCE,
    reason: 'invalid_client',
    said: UNKNOWN_CLIENT,
  },
  { vendor: 'keycloak', what: 'another subject', token: OTHER_SUBJECT, reason: 'invalid_client', said: UNKNOWN_CLIENT },
]
