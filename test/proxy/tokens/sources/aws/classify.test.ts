import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { FailureReason } from '../../../../../proxy/src/tokens/failures.ts'
import { TokenFailure } from '../../../../../proxy/src/tokens/failures.ts'
import type { Phase } from '../../../../../proxy/src/tokens/sources/aws/classify.ts'
import { classify } from '../../../../../proxy/src/tokens/sources/aws/classify.ts'
import { SECRETS } from '../../../../support/tokens/sts-server.ts'

interface Thrown {
  readonly name: string
  readonly message?: string
  readonly code?: string
  readonly status?: number
}

/** An error as the SDK throws it; test/integration/tokens.test.ts has the real ones. */
function sdkError({ name, message = 'in the words of AWS', code, status }: Thrown): Error {
  return Object.assign(new Error(message), {
    name,
    ...(code !== undefined && { code }),
    ...(status !== undefined && { $metadata: { httpStatusCode: status } }),
  })
}

const DENIED = 'User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: '

const cases: readonly (readonly [Thrown, Phase, FailureReason])[] = [
  [{ name: 'OutboundWebIdentityFederationDisabledException', status: 403 }, 'token', 'federation_disabled'],
  [{ name: 'SessionDurationEscalationException', status: 403 }, 'token', 'session_too_short'],
  [{ name: 'JWTPayloadSizeExceededException', status: 400 }, 'token', 'payload_too_large'],
  [{ name: 'RegionDisabledException', status: 403 }, 'token', 'region_disabled'],
  [{ name: 'RegionDisabledException', status: 403 }, 'session', 'region_disabled'],
  [{ name: 'InvalidAction', status: 400 }, 'token', 'global_endpoint'],
  [{ name: 'ValidationError', status: 400 }, 'token', 'invalid_request'],
  [{ name: 'ValidationError', status: 400 }, 'session', 'role_not_assumable'],
  [{ name: 'InvalidParameterValue', status: 400 }, 'token', 'invalid_request'],
  [{ name: 'MalformedInput', status: 400 }, 'token', 'invalid_request'],
  [{ name: 'ExpiredToken', status: 403 }, 'token', 'credentials_refused'],
  [{ name: 'ExpiredTokenException', status: 400 }, 'session', 'identity_token_expired'],
  [{ name: 'InvalidClientTokenId', status: 403 }, 'token', 'credentials_refused'],
  [{ name: 'SignatureDoesNotMatch', status: 403 }, 'token', 'credentials_refused'],
  [
    {
      name: 'SignatureDoesNotMatch',
      message: 'Credential should be scoped to a valid region, not eu-cental-1.',
      status: 403,
    },
    'token',
    'wrong_region',
  ],
  [{ name: 'RequestExpired', status: 403 }, 'token', 'credentials_refused'],
  [{ name: 'InvalidIdentityTokenException', status: 400 }, 'session', 'identity_token_refused'],
  [{ name: 'IDPRejectedClaimException', status: 403 }, 'session', 'identity_token_refused'],
  [{ name: 'IDPCommunicationErrorException', status: 400 }, 'session', 'issuer_unreachable'],
  [{ name: 'Throttling', status: 400 }, 'token', 'throttled'],
  [{ name: 'RequestThrottled', status: 400 }, 'token', 'throttled'],
  [{ name: 'Unknown', status: 429 }, 'token', 'throttled'],
  [{ name: 'InternalFailure', status: 500 }, 'token', 'sts_unavailable'],
  [{ name: 'ServiceUnavailable', status: 503 }, 'session', 'sts_unavailable'],
  [{ name: 'Error', message: '@aws-sdk XML parse error: x', status: 502 }, 'token', 'sts_unavailable'],
  [{ name: 'Error', message: '@aws-sdk XML parse error: x', status: 200 }, 'token', 'unusable_answer'],
  [{ name: 'Error', message: '@aws-sdk XML parse error: x', status: 403 }, 'token', 'unusable_answer'],
  [{ name: 'Error', message: 'Invalid response from STS.assumeRole call' }, 'session', 'unusable_answer'],
  [{ name: 'Unknown', status: 302 }, 'token', 'unusable_answer'],
  [{ name: 'AccessDenied', message: `${DENIED}sts:GetWebIdentityToken`, status: 403 }, 'token', 'access_denied'],
  [{ name: 'AccessDeniedException', message: `${DENIED}x`, status: 403 }, 'token', 'access_denied'],
  [{ name: 'AccessDenied', message: `${DENIED}sts:TagGetWebIdentityToken`, status: 403 }, 'token', 'tags_denied'],
  [
    { name: 'AccessDenied', message: `${DENIED}x with an explicit deny in a session policy`, status: 403 },
    'token',
    'explicitly_denied',
  ],
  [
    { name: 'AccessDenied', message: 'GetWebIdentityToken does not support federated user sessions', status: 403 },
    'token',
    'federated_user',
  ],
  [
    { name: 'AccessDenied', message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity', status: 403 },
    'session',
    'role_not_assumable',
  ],
  [{ name: 'TimeoutError', code: 'ECONNRESET' }, 'token', 'sts_unreachable'],
  [{ name: 'Error', code: 'ENOTFOUND' }, 'session', 'sts_unreachable'],
  [{ name: 'Error', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'token', 'sts_unreachable'],
  [{ name: 'TimeoutError', code: 'ETIMEDOUT' }, 'token', 'sts_timeout'],
  [{ name: 'AbortError' }, 'token', 'sts_timeout'],
  [{ name: 'Error', message: 'Region is missing' }, 'session', 'region_missing'],
  [{ name: 'Error', code: 'ENOENT' }, 'session', 'token_file_unreadable'],
  [{ name: 'Error', code: 'EACCES' }, 'session', 'token_file_unreadable'],
  [
    { name: 'CredentialsProviderError', message: 'Server responded with status: 400' },
    'session',
    'pod_identity_refused',
  ],
  [
    { name: 'CredentialsProviderError', message: 'Server responded with status: 500' },
    'session',
    'credentials_unreachable',
  ],
  [{ name: 'CredentialsProviderError', message: 'connect ECONNREFUSED' }, 'session', 'credentials_unreachable'],
  [{ name: 'TypeError', message: 'x is not a function' }, 'token', 'unknown'],
  [{ name: 'SomethingNew', status: 400 }, 'token', 'unknown'],
  [{ name: 'SomethingNew', status: 400 }, 'session', 'unknown'],
  // Every object has members of these names.
  [{ name: 'constructor', status: 400 }, 'token', 'unknown'],
  [{ name: 'toString', status: 400 }, 'session', 'unknown'],
  [{ name: '__proto__', status: 400 }, 'session', 'unknown'],
]

describe('classifying what the SDK throws', () => {
  for (const [thrown, phase, reason] of cases) {
    const { name, code = '', status = '', message = '' } = thrown
    it(`calls ${[name, code, status, message].filter(Boolean).join(' ')} (${phase}) ${reason}`, () => {
      expect(classify(sdkError(thrown), phase).reason).to.equal(reason)
    })
  }

  it('keeps what is classified already', () => {
    const failure = new TokenFailure('subject_mismatch')
    expect(classify(failure, 'token')).to.equal(failure)
  })

  it('says what AWS said, on one line of ASCII of bounded length', () => {
    const failure = classify(
      sdkError({ name: 'Throttling', message: 'Rate\texceeded\nSee $response', status: 400 }),
      'token',
    )
    expect(failure.message).to.equal('Throttling 400: Rate exceeded')
    const long = classify(sdkError({ name: 'X', message: 'word '.repeat(10_000), status: 418 }), 'token')
    expect(long.message).to.have.lengthOf.below(450)
  })

  it('copes with what is no error', () => {
    const failure = classify('a string', 'token')
    expect(failure.reason).to.equal('unknown')
    expect(failure.message).to.equal('unknown: a string')
  })

  it('keeps the ARN of a role readable', () => {
    for (const arn of [
      'arn:aws:sts::123456789012:assumed-role/aws-outbound-jwt-injector-orders/shop.orders-7f9c-abcde',
      'arn:aws:iam::123456789012:role/division/department/application/component/orders',
    ]) {
      const error = sdkError({ name: 'AccessDenied', message: `User: ${arn} is not`, status: 403 })
      expect(classify(error, 'token').message).to.contain(arn)
    }
  })

  it('never repeats a credential, wherever an answer echoes one', () => {
    const text = (alphabet: string, minLength: number, maxLength = minLength): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...Array.from(alphabet)), minLength, maxLength })
    const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    const secret = fc.oneof(
      text('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 16).map((tail) => `ASIA${tail}`),
      text(`${base64}+/`, 37).map((tail) => `aB3${tail}`),
      text(`${base64}+/`, 200, 800).map((tail) => `aB3${tail}==`),
      fc
        .tuple(text(`${base64}-_`, 20, 60), text(`${base64}-_`, 100, 900), text(`${base64}-_`, 86))
        .map((parts) => `eyJ${parts.join('.')}`),
    )
    const words = fc.string({ maxLength: 300 }).map((before) => `${before} `)
    fc.assert(
      fc.property(words, secret, words, fc.constantFrom<Phase>('session', 'token'), (before, hidden, after, phase) => {
        const { message } = classify(sdkError({ name: 'Odd', message: `${before}${hidden}${after}` }), phase)
        for (let at = 0; at + 12 <= hidden.length; at += 12) expect(message).not.to.contain(hidden.slice(at, at + 12))
      }),
    )
  })

  it('never repeats a token that follows a letter, a digit or an underscore', () => {
    for (const before of ['x', '7', '_', 'token=', 'Bearer']) {
      const error = sdkError({ name: 'Odd', message: `${before}${SECRETS.serviceAccountToken} was sent` })
      expect(classify(error, 'session').message).to.equal(`Odd: ${before}[redacted] was sent`)
    }
  })

  it('does not repeat what a JSON parser quotes', () => {
    let thrown: unknown
    try {
      JSON.parse('hunter2')
    } catch (error) {
      thrown = error
    }
    expect(String(thrown)).to.contain('hunter2')
    expect(classify(thrown, 'session').message).to.equal('SyntaxError: the answer is not JSON')
  })
})
