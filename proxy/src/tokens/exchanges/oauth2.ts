// The only file that uses oauth4webapi, which is loaded with the first exchange. It writes the request; the answer is read here, because
// partners answer in more ways than it takes (docs/adr/0017-exchanges.md).
import type { ClientAuth, CustomFetchOptions } from 'oauth4webapi'
import type { OAuth2Exchange } from '../../contract.ts'
import type { Token } from '../token.ts'
import { TokenFailure } from '../failures.ts'
import { readAnswer } from './endpoint.ts'
import type { ExchangeCall } from './endpoint.ts'
import { resultOf } from './result.ts'

const GRANT_TYPES = {
  'token-exchange': 'urn:ietf:params:oauth:grant-type:token-exchange',
  'jwt-bearer': 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'client-credentials': 'client_credentials',
} as const
/** RFC 7523 §2.2. */
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Calls an OAuth 2.0 token endpoint. SECURITY: it is sent what is configured and nothing else; some refuse more. */
export async function exchangeAtOAuth2(exchange: OAuth2Exchange, { subject, ...tools }: ExchangeCall): Promise<Token> {
  const { clientSecretFile } = exchange
  const secret = clientSecretFile === undefined ? undefined : await tools.readSecret(clientSecretFile)
  const request = await write(exchange, subject, secret)
  const answer = await tools.call({ ...request, url: exchange.tokenUrl, caFile: exchange.caFile }, tools.signal)
  const json = readAnswer(answer, [subject, ...(secret === undefined ? [] : spellings(exchange, request, secret))])
  rejectBound(json['token_type'])
  return resultOf(json['access_token'], json['expires_in'], exchange.expiresIn)
}

/** Types of tokens that are of use only to who proves to have a key: RFC 9449, RFC 7800, draft-ietf-oauth-v2-http-mac. */
const BOUND = /^(?:dpop|pop|mac)$/i

/** Whatever else an endpoint calls its tokens, they can be sent as they are; some say `N_A`, `BearerToken`, or nothing. */
function rejectBound(type: unknown): void {
  if (typeof type === 'string' && BOUND.test(type))
    throw new TokenFailure(
      'unusable_answer',
      `the token is of type ${type}: it needs a key that the proxy does not have`,
    )
}

interface Written {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

async function write(exchange: OAuth2Exchange, subject: string, secret: string | undefined): Promise<Written> {
  const { clientId, grant } = exchange
  // Tailscale's own form, which no library knows.
  if (grant === 'jwt') {
    const form = new URLSearchParams({ ...exchange.params, ...defined({ client_id: clientId }), jwt: subject })
    return encode(exchange, form, {})
  }
  const { ClientSecretBasic, ClientSecretPost, customFetch, genericTokenEndpointRequest } = await import('oauth4webapi')
  const byAssertion: ClientAuth = (_server, _client, body) => {
    if (clientId !== undefined) body.set('client_id', clientId)
    body.set('client_assertion_type', ASSERTION_TYPE)
    body.set('client_assertion', subject)
  }
  const byNothing: ClientAuth = (_server, _client, body) => {
    if (clientId !== undefined) body.set('client_id', clientId)
  }
  const authentication = {
    assertion: () => byAssertion,
    none: () => byNothing,
    basic: () => ClientSecretBasic(secret ?? ''),
    post: () => ClientSecretPost(secret ?? ''),
  }[exchange.clientAuth]()
  let written: Written | undefined
  await genericTokenEndpointRequest(
    { issuer: exchange.tokenUrl, token_endpoint: exchange.tokenUrl },
    // Two of the ways to authenticate send it, and then it is configured; the library wants one always.
    { client_id: clientId ?? 'none' },
    authentication,
    GRANT_TYPES[grant],
    { ...exchange.params, ...parameters(exchange, subject) },
    {
      [customFetch]: (_url: string, { body, headers }: CustomFetchOptions<'POST', URLSearchParams>) => {
        written = encode(exchange, body, headers)
        return Promise.resolve(UNUSED)
      },
    },
  )
  return written as unknown as Written
}

/** The call is made outside of the library, which hands back what its fetch returned. */
const UNUSED = {} as unknown as Response

function parameters(exchange: OAuth2Exchange, subject: string): Record<string, string> {
  const { grant, scope, audience, resource, subjectTokenType, requestedTokenType } = exchange
  return defined({
    ...(grant === 'token-exchange' && { subject_token: subject, subject_token_type: subjectTokenType }),
    ...(grant === 'jwt-bearer' && { assertion: subject }),
    requested_token_type: requestedTokenType,
    scope,
    audience,
    resource,
  })
}

function encode(exchange: OAuth2Exchange, form: URLSearchParams, written: Readonly<Record<string, string>>): Written {
  const { authorization } = written
  return {
    headers: {
      ...Object.fromEntries(Object.entries(exchange.headers).map(([name, value]) => [name.toLowerCase(), value])),
      ...defined({ authorization }),
      accept: 'application/json',
      'content-type': exchange.body === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
    },
    body: exchange.body === 'json' ? JSON.stringify(Object.fromEntries(form)) : form.toString(),
  }
}

/** In which a partner may repeat a secret: plain and as it was sent, in JSON, a URL, a form or a header. RFC 6749 §2.3.1. */
function spellings({ clientId = '' }: OAuth2Exchange, { headers }: Written, secret: string): readonly string[] {
  const credentials = (headers['authorization'] ?? '').replace('Basic ', '')
  const inHeader = Buffer.from(credentials, 'base64').toString().split(':').at(-1) ?? ''
  const inForm = new URLSearchParams({ '': secret }).toString().slice(1)
  const texts = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), inForm, inHeader]
  return [...texts, credentials, ...texts.map((text) => Buffer.from(`${clientId}:${text}`).toString('base64'))]
}

function defined(values: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
