import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { FailureReason, TokenFailure } from '../../../../proxy/src/tokens/failures.ts'
import { toProxyError } from '../../../../proxy/src/tokens/failures.ts'
import { readAnswer } from '../../../../proxy/src/tokens/exchanges/endpoint.ts'

const SECRETS = ['the-secret', 'eyJzb3VyY2U.eyJ0b2tlbg.c2ln']

function failureOf(status: number, body: unknown, retryAfterMs?: number): TokenFailure {
  try {
    readAnswer({ status, retryAfterMs, body: typeof body === 'string' ? body : JSON.stringify(body) }, SECRETS)
  } catch (error) {
    return error as TokenFailure
  }
  throw new Error('the answer was taken')
}

const REFUSALS: readonly (readonly [string, number, unknown, FailureReason, string])[] = [
  [
    'RFC 6749',
    400,
    { error: 'invalid_grant', error_description: 'bad aud' },
    'invalid_grant',
    'invalid_grant: bad aud',
  ],
  [
    'Entra',
    401,
    { error: 'invalid_client', error_description: 'AADSTS700213: No match', error_codes: [700213] },
    'invalid_client',
    'invalid_client: AADSTS700213: No match',
  ],
  ['a client without the grant', 400, { error: 'unauthorized_client' }, 'unauthorized_client', 'unauthorized_client'],
  ['RFC 8693', 400, { error: 'invalid_target' }, 'invalid_target', 'invalid_target'],
  ['an unknown code', 400, { error: 'invalid_scope' }, 'exchange_denied', 'invalid_scope'],
  ['a code that every object has', 400, { error: 'constructor' }, 'exchange_denied', 'constructor'],
  [
    'Anthropic',
    401,
    { type: 'error', error: { type: 'authentication_error', message: 'Authentication failed' } },
    'exchange_denied',
    'authentication_error: Authentication failed',
  ],
  [
    'Google IAM Credentials',
    403,
    { error: { code: 403, message: 'Permission denied', status: 'PERMISSION_DENIED' } },
    'exchange_denied',
    'PERMISSION_DENIED: Permission denied',
  ],
  [
    'OpenAI',
    401,
    { error: { message: 'No such provider', type: 'invalid_request_error', code: null } },
    'exchange_denied',
    'invalid_request_error: No such provider',
  ],
  [
    'Vault',
    400,
    { errors: ['error validating token', 'invalid audience (aud) claim'] },
    'exchange_denied',
    'error validating token invalid audience (aud) claim',
  ],
  ['a message alone', 403, { message: 'unauthorized' }, 'exchange_denied', 'unauthorized'],
  ['a page', 404, '<html>Not Found</html>', 'exchange_denied', ''],
  ['a redirect', 302, '', 'exchange_denied', ''],
  ['too many', 429, { error: 'rate_limited' }, 'exchange_throttled', 'rate_limited'],
  ['a timeout', 408, '', 'exchange_unavailable', ''],
  ['a gateway', 502, '<html>', 'exchange_unavailable', ''],
  ['a server error that says it is a denial', 500, { error: 'invalid_grant' }, 'exchange_unavailable', 'invalid_grant'],
  [
    'what passes by itself',
    400,
    { error: 'temporarily_unavailable' },
    'exchange_unavailable',
    'temporarily_unavailable',
  ],
]

describe('the answer of a token endpoint', () => {
  for (const [name, status, body, reason, words] of REFUSALS)
    it(`is a failure with the partner's words: ${name}`, () => {
      const failure = failureOf(status, body)
      expect(failure.reason).to.equal(reason)
      expect(failure.message).to.equal(words === '' ? `HTTP ${status}` : `HTTP ${status}, ${words}`)
    })

  it('says to the client of the proxy what the partner said, at most 200 characters of it and no secret', () => {
    const failure = failureOf(400, {
      error: 'invalid_grant',
      error_description: `the-secret and ${SECRETS[1] ?? ''} ${'long '.repeat(60)}`,
    })
    const { message } = toProxyError(failure)
    expect(message).to.match(/It says: HTTP 400, invalid_grant: \[redacted\] and \[redacted\] long/)
    expect(message.split('invalid_grant: ')[1]).to.have.lengthOf(200)
  })

  it('may wish for a pause', () => {
    expect(failureOf(429, '', 90_000).retryAfterMs).to.equal(90_000)
  })

  it('is what it holds when it succeeds, and a failure when that is no JSON object', () => {
    expect(readAnswer({ status: 200, retryAfterMs: undefined, body: '{"a":1}' }, [])).to.deep.equal({ a: 1 })
    for (const body of ['', '<html>', '[1]', 'null', '"text"'])
      expect(failureOf(200, body).reason, body).to.equal('unusable_answer')
  })
})
