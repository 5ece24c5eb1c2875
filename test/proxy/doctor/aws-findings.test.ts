import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  clockFinding,
  credentialsFinding,
  federationFinding,
  regionFinding,
  roleFinding,
  stsFinding,
} from '../../../proxy/src/doctor/aws-findings.ts'
import type { Outcome } from '../../../proxy/src/doctor/outcome.ts'
import { outcomeOf } from '../../../proxy/src/doctor/outcome.ts'
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import { FAILURES, TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import { IDENTITY } from '../../support/tokens/doctor.ts'

const IRSA = { AWS_ROLE_ARN: 'arn', AWS_WEB_IDENTITY_TOKEN_FILE: '/token' }
const ORDERS = 'arn:aws:iam::123456789012:role/orders'
const failure = (reason: FailureReason, detail?: string): Outcome<never> => ({
  ok: false,
  failure: new TokenFailure(reason, detail),
})
const value = <T>(given: T): Outcome<T> => ({ ok: true, value: given })

describe('doctor on the region', () => {
  it('names it and the variable it is from', () => {
    expect(regionFinding({ AWS_DEFAULT_REGION: 'eu-central-1' })).to.deep.equal({
      id: 'region',
      verdict: 'pass',
      found: 'eu-central-1, from AWS_DEFAULT_REGION',
    })
  })

  it('warns of one that is named like none of AWS, and passes every form that there is', () => {
    const misspelt = regionFinding({ AWS_REGION: 'eu-cental-1' })
    expect(misspelt).to.include({ verdict: 'warn', fix: FAILURES.wrong_region.hint })
    expect(misspelt.found).to.match(/^eu-cental-1, from AWS_REGION; no region of AWS/)
    for (const name of [
      'us-gov-west-1',
      'us-isob-east-1',
      'eusc-de-east-1',
      'cn-northwest-1',
      'ap-southeast-7',
      'il-central-1',
    ])
      expect(regionFinding({ AWS_REGION: name }), name).to.include({ verdict: 'pass' })
  })

  it('fails without one, and says which annotation sets it', () => {
    const { hint } = FAILURES.region_missing
    expect(regionFinding({})).to.include({ verdict: 'fail', reason: 'region_missing', fix: hint })
  })
})

describe('doctor on credentials', () => {
  it('names their source and the end of their session', () => {
    expect(credentialsFinding(IRSA, value({ endsWallMs: 3_600_000 }), 0)).to.include({
      verdict: 'pass',
      found: 'IAM role for service account (IRSA); the session ends in 60 min',
    })
    expect(credentialsFinding({}, value({ endsWallMs: undefined }), 0)).to.include({
      verdict: 'pass',
      found: 'instance metadata; the end of the session is not known',
    })
  })

  it('warns of a session that holds no token of the default duration', () => {
    const finding = credentialsFinding(IRSA, value({ endsWallMs: 15 * 60_000 }), 0)
    expect(finding).to.include({ verdict: 'warn', reason: 'session_too_short' })
  })

  it('fails with the reason, what AWS said, and the fix', () => {
    const refused = failure('role_not_assumable', 'AccessDenied 403: Not authorized')
    expect(credentialsFinding(IRSA, refused, 0)).to.deep.equal({
      id: 'credentials',
      verdict: 'fail',
      found: 'The service account may not assume the role. (AccessDenied 403: Not authorized)',
      fix: FAILURES.role_not_assumable.hint,
      reason: 'role_not_assumable',
    })
    expect(credentialsFinding({}, failure('no_credentials'), 0).found).to.equal(FAILURES.no_credentials.meaning)
  })
})

const ENDPOINT = 'https://sts.eu-central-1.amazonaws.com'

describe('doctor on STS', () => {
  it('passes with any answer of it, a refusal included', () => {
    expect(stsFinding([value('x')], ENDPOINT).verdict).to.equal('pass')
    expect(stsFinding([failure('access_denied')], ENDPOINT).verdict).to.equal('pass')
    expect(stsFinding([failure('sts_timeout'), failure('federation_disabled')], ENDPOINT).verdict).to.equal('pass')
  })

  for (const reason of ['sts_unreachable', 'sts_timeout', 'sts_unavailable', 'unusable_answer', 'throttled'] as const)
    it(`fails when all it has is ${reason}`, () => {
      expect(stsFinding([failure('no_credentials'), failure(reason)], ENDPOINT)).to.include({ verdict: 'fail', reason })
    })

  for (const reason of ['no_credentials', 'region_missing', 'token_file_unreadable', 'pod_identity_refused'] as const)
    it(`does not know when nothing was asked because of ${reason}`, () => {
      expect(stsFinding([failure(reason)], ENDPOINT).verdict).to.equal('skip')
    })
})

describe('doctor on the role', () => {
  it('takes a session of the expected role, whose path STS does not tell', () => {
    for (const expected of [undefined, ORDERS, 'arn:aws:iam::123456789012:role/team/orders'])
      expect(roleFinding(value(IDENTITY), expected)).to.deep.equal({ id: 'role', verdict: 'pass', found: IDENTITY })
  })

  it('fails for another role, another account, a user, or nobody', () => {
    for (const [arn, expected] of [
      [IDENTITY, 'arn:aws:iam::123456789012:role/payments'],
      [IDENTITY, 'arn:aws:iam::999999999999:role/orders'],
      ['arn:aws:iam::123456789012:user/somebody', ORDERS],
      ['', ORDERS],
    ] as const)
      expect(roleFinding(value(arn), expected)).to.include({ verdict: 'fail', reason: 'subject_mismatch' })
  })

  it('is not known when STS did not say', () => {
    expect(roleFinding(failure('sts_timeout'), undefined).verdict).to.equal('skip')
  })
})

describe('doctor on federation', () => {
  it('fails when STS says so once, and names the command', () => {
    const finding = federationFinding([failure('access_denied'), failure('federation_disabled')])
    expect(finding.verdict).to.equal('fail')
    expect(finding.fix).to.contain('aws iam enable-outbound-web-identity-federation')
  })

  it('passes with a token, or with a refusal that STS decides after it', () => {
    expect(federationFinding([failure('access_denied'), value('jwt')]).verdict).to.equal('pass')
    expect(federationFinding([failure('payload_too_large')]).verdict).to.equal('pass')
  })

  it('is not known otherwise: AWS looks at permissions first', () => {
    expect(federationFinding([failure('access_denied')]).verdict).to.equal('skip')
    expect(federationFinding([]).verdict).to.equal('skip')
  })
})

describe('doctor on the clock', () => {
  const cases: readonly (readonly [number | undefined, string, string])[] = [
    [undefined, 'skip', 'Not known'],
    [-900, 'pass', 'As that of STS.'],
    [-60_000, 'pass', '60 s ahead of that of STS.'],
    [61_000, 'warn', '61 s behind that of STS.'],
    [-300_000, 'warn', '300 s ahead'],
    [301_000, 'fail', '301 s behind'],
  ]
  for (const [skewMs, verdict, found] of cases)
    it(`says ${verdict} at ${skewMs ?? 'no'} ms`, () => {
      const finding = clockFinding(skewMs)
      expect(finding.verdict).to.equal(verdict)
      expect(finding.found).to.contain(found)
    })
})

describe('an outcome', () => {
  it('is a failure whatever was thrown', async () => {
    expect(await outcomeOf(Promise.resolve(1))).to.deep.equal({ ok: true, value: 1 })
    const odd = await outcomeOf(Promise.reject(new RangeError('odd')))
    expect(odd.ok ? undefined : odd.failure.reason).to.equal('unknown')
  })
})
