import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'
import {
  endpointFindings,
  registrationFinding,
  tokenFinding,
  unknownAudienceFindings,
} from '../../../proxy/src/doctor/token.ts'
import { FAILURES, TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { FailureReason, Step } from '../../../proxy/src/tokens/failures.ts'
import { expandExchange } from '../../../proxy/src/contract.ts'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { readEvidence } from '../../../proxy/src/tokens/jwt.ts'
import { ISSUED_AT, ROLE, claimsOfAws, unsignedJwt } from '../../support/tokens/jwt.ts'
import { requestFor } from '../../support/tokens/request.ts'

const minted = (
  claims: Readonly<Record<string, unknown>> = {},
  alg = 'RS256',
  bytes = 1_000,
): Parameters<typeof tokenFinding>[1] => ({
  ok: true,
  value: {
    value: 'x'.repeat(bytes),
    expiresInMs: 900_000,
    evidence: readEvidence(unsignedJwt(claimsOfAws(claims), { alg })),
  },
})
const opaque = (bytes: number, expiresInMs = 900_000): Parameters<typeof tokenFinding>[1] => ({
  ok: true,
  value: { value: 'x'.repeat(bytes), expiresInMs, evidence: undefined },
})

const exchanging = (): TokenRequest => {
  const exchange = { type: 'vault', address: 'https://vault.example', role: 'orders', mount: 'jwt' } as const
  const spec = { source: 'exchange', subject: requestFor().spec, exchange: expandExchange(exchange) } as const
  return { ...requestFor(), spec }
}

describe('doctor on a token', () => {
  it('shows its claims, its life, its size and its audience', () => {
    expect(tokenFinding(requestFor({ audience: ['a', 'b'] }), minted())).to.deep.equal({
      id: 'token',
      subject: 'partner',
      verdict: 'pass',
      found: 'RS256, 900 s, 1000 bytes, for a, b',
      claims: claimsOfAws(),
    })
  })

  it('warns when it does not live as long as was asked for', () => {
    const finding = tokenFinding(requestFor({ durationSeconds: 3_600 }), minted({ exp: ISSUED_AT + 3_585 }))
    expect(finding).to.include({ verdict: 'warn', fix: FAILURES.session_too_short.hint })
    expect(finding.found).to.contain('3585 s').and.to.contain('3600 s were asked for')
  })

  it('warns when many servers will refuse its size, and says what makes it large', () => {
    const claims = { 'https://sts.amazonaws.com/': { ou_path: 'x'.repeat(300) } }
    const finding = tokenFinding(requestFor(), minted(claims, 'RS256', 7_169))
    expect(finding).to.include({ verdict: 'warn', fix: FAILURES.token_too_large.hint })
    expect(finding.found).to.contain('ou_path 302')
  })

  it('says who refuses ES384', () => {
    const finding = tokenFinding(requestFor({ signingAlgorithm: 'ES384' }), minted({}, 'ES384'))
    expect(finding.verdict).to.equal('pass')
    expect(finding.found).to.match(/These refuse ES384: Google Cloud, .*Vault by default$/)
  })

  it('says of an opaque token what can be known of it', () => {
    expect(tokenFinding(requestFor({ audience: ['a'] }), opaque(40))).to.deep.equal({
      id: 'token',
      subject: 'partner',
      verdict: 'pass',
      found: 'Opaque, not a JWT, 900 s, 40 bytes, for a',
    })
    expect(tokenFinding(requestFor(), opaque(7_169)).found).to.match(/Many servers refuse headers over 8 KiB\.$/)
    expect(tokenFinding(requestFor(), opaque(40, 300_000)).found).to.contain('900 s were asked for')
  })

  it('says what was asked for where IAM may have judged that', () => {
    const request = requestFor({ audience: ['a', 'b'], durationSeconds: 1_800, tags: { team: 'secret-value' } })
    const failure = new TokenFailure('access_denied')
    const { found } = tokenFinding(request, { ok: false, failure })
    expect(found).to.match(/ Asked for: audience a, b; 1800 s; RS256, tags team\.$/)
    expect(found).not.to.include('secret-value')
    const unreachable = { ok: false, failure: new TokenFailure('sts_unreachable') } as const
    expect(tokenFinding(request, unreachable).found).not.to.include('Asked for')
  })

  it('fails with the reason', () => {
    const failure = new TokenFailure('tags_denied', 'AccessDenied 403: sts:TagGetWebIdentityToken')
    expect(tokenFinding(requestFor(), { ok: false, failure })).to.include({
      subject: 'partner',
      verdict: 'fail',
      reason: 'tags_denied',
    })
  })
})

describe('doctor on what a partner must register', () => {
  const found = `issuer https://issuer.example, subject ${ROLE}, audience https://api.partner.example, algorithm RS256`
  it('says issuer, subject, audience and algorithm as the token has them', () => {
    expect(registrationFinding(requestFor(), minted())).to.deep.equal({
      id: 'registration',
      subject: 'partner',
      verdict: 'pass',
      found,
    })
  })

  it('says those of the token that was given to the partner, whether the partner took it or not', () => {
    const source = minted()
    if (!source.ok) throw new Error('no token')
    const taken = {
      ok: true,
      value: { value: 'opaque', expiresInMs: 1, evidence: undefined, subject: source.value },
    } as const
    expect(registrationFinding(exchanging(), taken).found).to.equal(found)
    const failure = Object.assign(new TokenFailure('invalid_client'), { subject: source.value.evidence })
    expect(registrationFinding(exchanging(), { ok: false, failure }).found).to.equal(found)
  })

  it('skips a token that shows nothing', () => {
    const failure = new TokenFailure('access_denied')
    expect(registrationFinding(requestFor(), { ok: false, failure }).verdict).to.equal('skip')
    expect(registrationFinding(requestFor(), opaque(40)).verdict).to.equal('skip')
  })
})

describe("doctor on the partner's token endpoint", () => {
  const verdictAfter = (reason: FailureReason, step: Step): readonly unknown[] =>
    endpointFindings(exchanging(), { ok: false, failure: Object.assign(new TokenFailure(reason), { step }) }).map(
      ({ verdict, found }) => [verdict, found],
    )

  it('has nothing to say without an exchange', () => {
    expect(endpointFindings(requestFor(), minted())).to.deep.equal([])
  })

  it('passes when it answers, be it with a refusal', () => {
    const finding = { id: 'endpoint', subject: 'partner', verdict: 'pass' }
    expect(endpointFindings(exchanging(), opaque(40))).to.deep.equal([{ ...finding, found: 'vault.example answers.' }])
    const refused = [['pass', 'vault.example answers, with a refusal.']]
    expect(verdictAfter('exchange_denied', 'exchange')).to.deep.equal(refused)
    expect(verdictAfter('unusable_answer', 'exchange')).to.deep.equal(refused)
  })

  it('fails when it does not, and skips it when it was not asked', () => {
    for (const reason of ['exchange_unreachable', 'exchange_timeout'] as const)
      expect(verdictAfter(reason, 'exchange')[0]).to.include('fail')
    expect(verdictAfter('access_denied', 'source')[0]).to.include('skip')
    expect(verdictAfter('client_secret_unreadable', 'exchange')[0]).to.include('skip')
  })
})

describe('doctor on a route whose audience depends on the host', () => {
  it('skips it, and only it', () => {
    const { routes } = readConfig({
      ROUTES: JSON.stringify([
        { hosts: ['*.one.example'] },
        { hosts: ['*.two.example'], audience: ['two'] },
        { hosts: ['*.three.example', 'api.three.example'] },
      ]),
    })
    const findings = unknownAudienceFindings(routes).map(({ subject, verdict }) => [subject, verdict])
    expect(findings).to.deep.equal([['*.one.example', 'skip']])
  })

  it('skips any host of standalone mode', () => {
    const { routes } = readConfig({ ALLOWED_HOSTS: '*,api.one.example' })
    expect(unknownAudienceFindings(routes).map(({ subject }) => subject)).to.deep.equal(['*'])
  })
})
