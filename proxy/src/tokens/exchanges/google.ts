// Workload identity federation by hand: google-auth-library cannot be held to sending what is configured (docs/adr/0017-exchanges.md).
import type { GoogleExchange, OAuth2Exchange } from '../../contract.ts'
import { TokenFailure } from '../failures.ts'
import type { Token } from '../token.ts'
import { readAnswer } from './endpoint.ts'
import type { ExchangeCall, JsonObject } from './endpoint.ts'
import { exchangeAtOAuth2 } from './oauth2.ts'
import { resultOf } from './result.ts'

const STS = 'https://sts.googleapis.com/v1/token'
const IAM_CREDENTIALS = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts'
/** What a federated token needs to stand for a service account. */
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform'
/** Google's default. */
const LIFETIME_SECONDS = 3_600

/**
 * Security Token Service, then, for a service account, IAM Credentials.
 * https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
 */
export async function exchangeAtGoogle(exchange: GoogleExchange, call: ExchangeCall): Promise<Token> {
  const { serviceAccount, scopes, tokenKind } = exchange
  const federated = await exchangeAtOAuth2(
    federation(exchange, serviceAccount === undefined ? scopes.join(' ') : CLOUD_PLATFORM),
    call,
  )
  if (serviceAccount === undefined) return federated
  const impersonate = tokenKind === 'id' ? generateIdToken : generateAccessToken
  return impersonate(exchange, { ...call, subject: federated.value }, `${IAM_CREDENTIALS}/${serviceAccount}`)
}

function federation({ audience, caFile }: GoogleExchange, scope: string): OAuth2Exchange {
  return {
    type: 'oauth2',
    tokenUrl: STS,
    grant: 'token-exchange',
    clientAuth: 'none',
    audience,
    scope,
    subjectTokenType: 'urn:ietf:params:oauth:token-type:jwt',
    requestedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
    params: {},
    headers: {},
    body: 'form',
    ...(caFile !== undefined && { caFile }),
  }
}

async function generateAccessToken(exchange: GoogleExchange, call: ExchangeCall, account: string): Promise<Token> {
  const { scopes, lifetimeSeconds } = exchange
  const answer = await post(`${account}:generateAccessToken`, exchange, call, {
    scope: scopes,
    ...(lifetimeSeconds !== undefined && { lifetime: `${lifetimeSeconds}s` }),
  })
  const lifetime = lifetimeSeconds ?? LIFETIME_SECONDS
  // Google may give less than was asked for. Its clock and this one differ, so that more is not believed.
  const untilExpiry = (Date.parse(String(answer['expireTime'])) - call.nowMs()) / 1000
  return resultOf(answer['accessToken'], Math.min(untilExpiry, lifetime), lifetime)
}

async function generateIdToken(exchange: GoogleExchange, call: ExchangeCall, account: string): Promise<Token> {
  const { token } = await post(`${account}:generateIdToken`, exchange, call, {
    audience: exchange.targetAudience,
    // IAP and Cloud Run know callers by it.
    includeEmail: true,
  })
  const result = await resultOf(token, undefined)
  if (!result.evidence) throw new TokenFailure('unusable_answer', 'the ID token is not a JWT')
  const { expiresAt, issuedAt } = result.evidence
  return resultOf(token, expiresAt - issuedAt)
}

async function post(
  url: string,
  { caFile }: GoogleExchange,
  call: ExchangeCall,
  body: JsonObject,
): Promise<JsonObject> {
  const headers = {
    accept: 'application/json',
    authorization: `Bearer ${call.subject}`,
    'content-type': 'application/json',
  }
  const answer = await call.call({ url, headers, body: JSON.stringify(body), caFile }, call.signal)
  return readAnswer(answer, [call.subject])
}
