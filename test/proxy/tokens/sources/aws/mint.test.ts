import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { TokenFailure } from '../../../../../proxy/src/tokens/failures.ts'
import type { FailureReason } from '../../../../../proxy/src/tokens/failures.ts'
import type { Answer } from '../../../../../proxy/src/tokens/sources/aws/mint.ts'
import { createAwsSource } from '../../../../../proxy/src/tokens/sources/aws/mint.ts'
import type { Token } from '../../../../../proxy/src/tokens/token.ts'
import { createFakeClock } from '../../../../support/tokens/clock.ts'
import type { FakeClock } from '../../../../support/tokens/clock.ts'
import { ROLE } from '../../../../support/tokens/jwt.ts'
import { captureLog } from '../../../../support/tokens/log.ts'
import type { CapturedLog } from '../../../../support/tokens/log.ts'
import { requestFor } from '../../../../support/tokens/request.ts'
import { answerOf, createFakeSts, stsError, tokenOf } from '../../../../support/tokens/sts.ts'
import type { FakeSts } from '../../../../support/tokens/sts.ts'

const ESCALATION = 'SessionDurationEscalationException'
const signal = new AbortController().signal
const SPEC = requestFor().spec

describe('minting', () => {
  let clock: FakeClock
  let sts: FakeSts
  let captured: CapturedLog
  let sessionEnds: (number | undefined)[]
  let expectedRoleArn: string | undefined
  let mint: (fields?: Parameters<typeof requestFor>[0]) => Promise<Token>

  const nowMs = (): number => clock.now().wallMs
  /** Sessions that end so many seconds from now; each renewal takes the next one, the last one stays. */
  const sessions = (...seconds: readonly (number | undefined)[]): void => {
    let index = 0
    sts.session = (renew) => {
      sts.asked.push(renew ? 'renew' : 'session')
      if (renew) index++
      const length = seconds[Math.min(index, seconds.length - 1)]
      return Promise.resolve({ endsWallMs: length === undefined ? undefined : nowMs() + length * 1000 })
    }
  }
  const failure = async (attempt: Promise<unknown>): Promise<TokenFailure> => {
    const error: unknown = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).to.be.instanceOf(TokenFailure)
    return error as TokenFailure
  }

  beforeEach(() => {
    clock = createFakeClock()
    sts = createFakeSts(nowMs)
    captured = captureLog()
    sessionEnds = []
    expectedRoleArn = undefined
    const build = (): ReturnType<typeof createAwsSource> =>
      createAwsSource({
        sts,
        clock,
        log: captured.log,
        onSession: (ends) => sessionEnds.push(ends),
        expectedRoleArn,
      })
    let minter: ReturnType<typeof createAwsSource> | undefined
    mint = (fields) => (minter ??= build()).mint(requestFor(fields), signal)
  })

  it('gives a token with its life by the clock of the issuer, and what is known about it', async () => {
    sessions(3_600)
    clock.shiftWall(-42_000)
    sts.answer = (parameters) => answerOf(tokenOf(parameters, nowMs() + 42_000))
    const { value, expiresInMs, evidence } = await mint()
    expect(value.split('.')).to.have.lengthOf(3)
    expect(expiresInMs).to.equal(900_000)
    expect(evidence).to.include({ subject: ROLE, jti: 'a-token-id', issuedAt: (nowMs() + 42_000) / 1000 })
    expect(sessionEnds).to.deep.equal([nowMs() + 3_600_000])
  })

  it('takes the earlier end, where the answer names another than the token', async () => {
    sts.answer = (parameters) => answerOf(tokenOf(parameters, nowMs()), { expiresMs: nowMs() + 600_500 })
    expect((await mint()).expiresInMs).to.equal(600_500)
  })

  describe('a session that is too short', () => {
    it('is renewed before anything is asked', async () => {
      sessions(600, 3_600)
      await mint()
      expect(sts.asked).to.deep.equal(['session', 'renew', 900])
    })

    it('is not renewed twice within a minute; the token is shortened to fit', async () => {
      sessions(600)
      await mint()
      await mint()
      expect(sts.asked).to.deep.equal(['session', 'renew', 585, 'session', 585])
      await clock.advance(60_000)
      await mint()
      expect(sts.asked.slice(5)).to.deep.equal(['session', 'renew', 585])
      const [first, second] = captured.lines('token shortened to fit the AWS session')
      expect(first).to.include({ level: 'warn', route: 'partner', seconds: 585 })
      expect(second).to.include({ level: 'debug' })
    })

    it('serves on when it cannot be renewed', async () => {
      sessions(600)
      const { session } = sts
      sts.session = (renew, abort) =>
        renew ? Promise.reject(stsError('IDPCommunicationErrorException', 'no answer', 400)) : session(renew, abort)
      expect((await mint()).expiresInMs).to.equal(585_000)
      expect(captured.lines('AWS session not renewed; the present one still serves')).to.have.lengthOf(1)
    })

    it('that holds no token at all and cannot be renewed is a failure, with the reason of the renewal', async () => {
      sessions(70)
      const { session } = sts
      sts.session = (renew, abort) =>
        renew ? Promise.reject(stsError('IDPCommunicationErrorException', 'no answer', 400)) : session(renew, abort)
      expect((await failure(mint())).reason).to.equal('issuer_unreachable')
    })
  })

  it('never fits an hour into a session of an hour, but nearly', async () => {
    sessions(3_600)
    expect((await mint({ durationSeconds: 3_600 })).expiresInMs).to.equal(3_585_000)
  })

  describe('SessionDurationEscalation', () => {
    it('gets one new session, and a token that fits it', async () => {
      sessions(1_000, 3_600)
      sts.answer = (parameters, call) => {
        if (call === 1) throw stsError(ESCALATION)
        return answerOf(tokenOf(parameters, nowMs()))
      }
      expect((await mint()).expiresInMs).to.equal(900_000)
      expect(sts.asked).to.deep.equal(['session', 900, 'renew', 900])
    })

    it('halves the life where the end of the session is not known, and remembers what worked', async () => {
      sessions(undefined)
      sts.answer = (parameters) => {
        if (parameters.durationSeconds > 300) throw stsError(ESCALATION)
        return answerOf(tokenOf(parameters, nowMs()))
      }
      expect((await mint()).expiresInMs).to.equal(225_000)
      expect(sts.asked).to.deep.equal(['session', 900, 'renew', 450, 225])
      expect((await mint()).expiresInMs).to.equal(225_000)
      expect(sts.asked.slice(5)).to.deep.equal(['session', 225])
    })

    it('ends at the minimum of STS, after a bounded number of calls', async () => {
      sessions(undefined)
      sts.answer = () => {
        throw stsError(ESCALATION)
      }
      expect((await failure(mint({ durationSeconds: 3_600 }))).reason).to.equal('session_too_short')
      expect(sts.asked.filter((asked) => typeof asked === 'number')).to.deep.equal([3600, 1800, 900, 450, 225, 112, 60])
    })
  })

  describe('credentials that STS refuses', () => {
    for (const end of [3_600, undefined])
      it(`are renewed once, and the token is asked for again (session end ${end ?? 'not known'})`, async () => {
        sessions(end)
        sts.answer = (parameters, call) => {
          if (call === 1) throw stsError('ExpiredToken')
          return answerOf(tokenOf(parameters, nowMs()))
        }
        expect((await mint()).expiresInMs).to.equal(900_000)
        expect(sts.asked).to.deep.equal(['session', 900, 'renew', 900])
      })

    it('a second time are a failure', async () => {
      sessions(3_600)
      sts.answer = () => {
        throw stsError('InvalidClientTokenId')
      }
      expect((await failure(mint())).reason).to.equal('credentials_refused')
      expect(sts.asked).to.deep.equal(['session', 900, 'renew', 900])
    })
  })

  it('does not repeat what a person has to change, nor after its signal', async () => {
    sts.answer = () => {
      throw stsError('AccessDenied')
    }
    expect((await failure(mint())).reason).to.equal('access_denied')
    expect(sts.asked).to.deep.equal([900])
    const controller = new AbortController()
    sts.answer = () => {
      controller.abort()
      throw stsError(ESCALATION)
    }
    const minter = createAwsSource({ sts, clock, log: captured.log, onSession: () => undefined, expectedRoleArn })
    expect((await failure(minter.mint(requestFor(), controller.signal))).reason).to.equal('session_too_short')
    expect(sts.asked).to.deep.equal([900, 900])
  })

  it('finds credentials beforehand when asked to', async () => {
    sessions(3_600)
    const minter = createAwsSource({ sts, clock, log: captured.log, onSession: () => undefined, expectedRoleArn })
    await minter.warm(signal)
    expect(sts.asked).to.deep.equal(['session'])
    sts.session = () => Promise.reject(new TokenFailure('no_credentials'))
    expect((await failure(minter.warm(signal))).reason).to.equal('no_credentials')
  })

  describe('an answer that is not the token that was asked for', () => {
    const answers: Readonly<Record<string, readonly [(now: number) => Answer, FailureReason, string]>> = {
      'no token': [() => answerOf(undefined), 'unusable_answer', 'no WebIdentityToken'],
      'an empty token': [() => answerOf(''), 'unusable_answer', 'no WebIdentityToken'],
      'a token without three parts': [() => answerOf('abc'), 'unusable_answer', 'three base64url parts'],
      'another algorithm': [
        (now) => answerOf(tokenOf({ ...SPEC, signingAlgorithm: 'ES384' }, now)),
        'unusable_answer',
        'another algorithm than RS256',
      ],
      'an unknown algorithm': [
        (now) => answerOf(tokenOf({ ...SPEC, signingAlgorithm: 'none' as 'RS256' }, now)),
        'unusable_answer',
        'another algorithm',
      ],
      'another audience': [
        (now) => answerOf(tokenOf({ ...SPEC, audience: ['https://other.example'] }, now)),
        'unusable_answer',
        'other audiences',
      ],
      'one audience too many': [
        (now) => answerOf(tokenOf({ ...SPEC, audience: [...SPEC.audience, 'more'] }, now)),
        'unusable_answer',
        'other audiences',
      ],
      'a token that had expired on arrival': [
        (now) => answerOf(tokenOf(SPEC, now - 1_300_000)),
        'unusable_answer',
        'had expired',
      ],
      'a token of 15 seconds': [
        (now) => answerOf(tokenOf({ ...SPEC, durationSeconds: 15 }, now)),
        'unusable_answer',
        'had expired, or nearly so',
      ],
      'a token over 16 KiB': [
        (now) => answerOf(tokenOf(SPEC, now, { 'https://sts.amazonaws.com/': { principal_tags: 'x'.repeat(13_000) } })),
        'token_too_large',
        'principal_tags 13002 characters',
      ],
    }
    for (const [what, [answer, reason, detail]] of Object.entries(answers))
      it(`is refused: ${what}`, async () => {
        const given = answer(nowMs())
        sts.answer = () => given
        const found = await failure(mint())
        expect(found.reason).to.equal(reason)
        expect(found.message).to.contain(detail)
        if (given.jwt) expect(found.message).not.to.contain(given.jwt.slice(-20))
      })

    it('is refused: another role than the pod expects', async () => {
      expectedRoleArn = 'arn:aws:iam::123456789012:role/team/payments'
      const found = await failure(mint())
      expect(found.reason).to.equal('subject_mismatch')
      expect(found.message).to.contain(ROLE).and.to.contain(expectedRoleArn)
    })
  })

  it('takes the role the pod expects, and several audiences in any order', async () => {
    expectedRoleArn = ROLE
    sts.answer = (parameters) => answerOf(tokenOf({ ...parameters, audience: ['b', 'a', 'a'] }, nowMs()))
    expect((await mint({ audience: ['a', 'b'] })).evidence?.subject).to.equal(ROLE)
  })

  it('does not take a fresh token for an expired one on a machine whose clock is an hour ahead', async () => {
    clock.shiftWall(3_600_000)
    sts.answer = (parameters) => answerOf(tokenOf(parameters, nowMs() - 3_600_000), { clockOffsetMs: -3_600_000 })
    expect(await mint()).to.include({ expiresInMs: 900_000 })
  })

  it('warns once about a token that many servers will refuse, and says what makes it large', async () => {
    const claims = { 'https://sts.amazonaws.com/': { principal_tags: 'x'.repeat(5_500), ou_path: ['y'.repeat(300)] } }
    sts.answer = (parameters) => answerOf(tokenOf(parameters, nowMs(), claims))
    await mint()
    await mint()
    const lines = captured.lines('token is large; many servers refuse headers over 8 KiB')
    expect(lines).to.have.lengthOf(1)
    expect(lines[0]).to.include({ route: 'partner', claims: 'principal_tags 5502, ou_path 304 characters' })
    expect(captured.text()).not.to.contain('eyJ')
  })
})
