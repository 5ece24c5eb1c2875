import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import { readEvidence } from '../../../proxy/src/tokens/jwt.ts'
import { createTestEngine, follow } from '../../support/tokens/engine.ts'
import type { TestEngine } from '../../support/tokens/engine.ts'
import { ROLE, unsignedJwt } from '../../support/tokens/jwt.ts'
import { requestFor } from '../../support/tokens/request.ts'
import { minted } from '../../support/tokens/source.ts'

const REQUEST = requestFor()
const MINUTE = 60_000

/** An engine that holds its first token, asked for now. */
async function warmEngine(options: Parameters<typeof createTestEngine>[0] = {}): Promise<TestEngine> {
  const engine = createTestEngine(options)
  engine.source.answer = () => minted()
  await engine.tokens.get(REQUEST)
  return engine
}

describe('a key without a token', () => {
  it('asks STS once, however many requests wait', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    const waiting = Array.from({ length: 1_000 }, () => follow(tokens.get(REQUEST)))
    await clock.advance(50)
    expect(source.calls).to.have.lengthOf(1)
    expect(clock.pending(), 'one deadline for the call, one for all who wait').to.equal(2)
    source.calls[0]!.succeed()
    await clock.advance(0)
    expect(new Set(waiting.map(({ result }) => result))).to.deep.equal(new Set(['token-1']))
    expect(source.calls).to.have.lengthOf(1)
    expect(observed.filter((line) => line === 'looked miss')).to.have.lengthOf(1_000)
  })

  it('answers synchronously once it has one', async () => {
    const { tokens, observed } = await warmEngine()
    expect(tokens.get(REQUEST)).to.equal('token-1')
    expect(observed.slice(-1)).to.deep.equal(['looked hit'])
  })

  it('makes the first requests wait up to 8 s for an answer, and aborts the call then', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    const early = follow(tokens.get(REQUEST))
    await clock.advance(5_000)
    const late = follow(tokens.get(REQUEST))
    await clock.advance(2_999)
    expect([early.result, late.result, source.calls[0]!.signal.aborted]).to.deep.equal([undefined, undefined, false])
    await clock.advance(1)
    expect([early.result, late.result, source.calls[0]!.signal.aborted]).to.deep.equal([
      'token_timeout',
      'token_timeout',
      true,
    ])
    expect(observed).to.contain('fetched transient')
  })

  it('keeps a request waiting through failures that pass by themselves', async () => {
    const { tokens, source, clock } = createTestEngine()
    const outcome = follow(tokens.get(REQUEST))
    await clock.advance(0)
    source.calls[0]!.fail('sts_unavailable')
    await clock.advance(1_000)
    expect(source.calls).to.have.lengthOf(2)
    source.calls[1]!.fail('throttled')
    await clock.advance(2_000)
    source.calls[2]!.succeed()
    await clock.advance(0)
    expect(outcome.result).to.equal('token-1')
  })

  it('ends the wait when the next attempt would come after its 8 s', async () => {
    const { tokens, source, clock } = createTestEngine()
    source.answer = () => 'sts_unavailable'
    const outcome = follow(tokens.get(REQUEST))
    await clock.advance(8_000)
    expect(outcome.result).to.equal('token_unavailable')
    expect(outcome.error?.retryAfterSeconds).to.be.within(1, 5)
    expect(source.calls.length).to.be.within(3, 6)
  })

  it('answers at once in a longer outage, and is patient again in the next one', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    source.answer = () => 'sts_unavailable'
    follow(tokens.get(REQUEST))
    await clock.advance(8_000)
    const inOutage = follow(tokens.get(REQUEST))
    await clock.advance(0)
    expect(inOutage.result).to.equal('token_unavailable')
    expect(observed).not.to.include('refreshFailed partner')
    source.answer = () => minted()
    await clock.advance(60_000)
    expect(tokens.get(REQUEST)).to.equal('token-1')
    source.answer = () => 'sts_unavailable'
    clock.shiftWall(900_000)
    const inNext = follow(tokens.get(REQUEST))
    await clock.advance(0)
    expect(inNext.result).to.equal(undefined)
    source.answer = () => minted()
    await clock.advance(1_000)
    expect(inNext.result).to.equal('token-2')
  })

  const refusals: Readonly<Partial<Record<FailureReason, string>>> = {
    access_denied: 'token_denied',
    federation_disabled: 'token_denied',
    session_too_short: 'token_unavailable',
  }
  for (const [reason, code] of Object.entries(refusals))
    it(`refuses at once with ${code} when it is ${reason}, and leaves STS alone for a while`, async () => {
      const { tokens, source, clock } = createTestEngine()
      source.answer = () => reason as FailureReason
      const first = follow(tokens.get(REQUEST))
      await clock.advance(0)
      expect(first.result).to.equal(code)
      expect(first.error?.retryAfterSeconds).to.equal(12)
      await clock.advance(11_000)
      const second = follow(tokens.get(REQUEST))
      await clock.advance(0)
      expect(second.result).to.equal(code)
      expect(second.error?.retryAfterSeconds).to.equal(1)
      expect(source.calls).to.have.lengthOf(1)
      await clock.advance(1_000)
      source.answer = () => minted()
      const third = follow(tokens.get(REQUEST))
      await clock.advance(0)
      expect(third.result).to.equal('token-1')
    })

  it('sees STS recover within 5 s while requests keep coming, after an outage of an hour', async () => {
    const { tokens, source, clock } = createTestEngine()
    source.answer = () => 'sts_unreachable'
    const poll = async (): Promise<string | undefined> => {
      const outcome = follow(tokens.get(REQUEST))
      await clock.advance(250)
      return outcome.result
    }
    for (let polls = 0; polls < 4 * 3_600; polls++) await poll()
    const before = source.calls.length
    expect(before).to.be.below(3_600)
    source.answer = () => minted()
    const recovered = clock.now().monotonicMs
    while ((await poll()) !== 'token-1');
    expect(clock.now().monotonicMs - recovered).to.be.at.most(5_250)
  })

  it('gives every error its own hint, and no word of AWS', async () => {
    const { tokens, source, clock } = createTestEngine()
    source.answer = () => 'tags_denied'
    const outcome = follow(tokens.get(REQUEST))
    await clock.advance(0)
    expect(outcome.error?.hint).to.contain('sts:TagGetWebIdentityToken')
  })

  it('survives a source that throws what it should not', async () => {
    const { tokens, source, clock, captured } = createTestEngine()
    source.mint = () => Promise.reject(new RangeError('odd'))
    const outcome = follow(tokens.get(REQUEST))
    await clock.advance(8_000)
    expect(outcome.result).to.equal('token_unavailable')
    expect(captured.lines('token not minted')[0]).to.include({ reason: 'unknown', detail: 'RangeError: odd' })
  })
})

describe('a key with a token', () => {
  it('is refreshed in the background at half its life, once', async () => {
    const { tokens, source, clock } = await warmEngine()
    source.answer = undefined
    await clock.advance(314_999)
    expect(source.calls).to.have.lengthOf(1)
    await clock.advance(1)
    expect(source.calls).to.have.lengthOf(2)
    expect(Array.from({ length: 100 }, () => tokens.get(REQUEST)).every((jwt) => jwt === 'token-1')).to.equal(true)
    expect(source.calls).to.have.lengthOf(2)
    source.calls[1]!.succeed()
    await clock.advance(0)
    expect(tokens.get(REQUEST)).to.equal('token-2')
  })

  it('honours TOKEN_REFRESH_SKEW', async () => {
    const { source, clock } = await warmEngine({ refreshSkewSeconds: 300 })
    await clock.advance(10 * MINUTE - 7_501)
    expect(source.calls).to.have.lengthOf(1)
    await clock.advance(1)
    expect(source.calls).to.have.lengthOf(2)
  })

  it('fails no request in an STS outage, from whatever moment, until 15 s before the token expires', async () => {
    const moment = fc.integer({ min: 0, max: 3_600 })
    const outage = async (fromSeconds: number): Promise<void> => {
      const { tokens, source, clock, observed } = await warmEngine()
      const use = async (): Promise<void> => {
        expect(tokens.get(REQUEST), `second ${clock.now().monotonicMs / 1000}`).to.be.a('string')
        await clock.advance(1_000)
      }
      let mintedMs = 0
      source.answer = () => {
        mintedMs = clock.now().monotonicMs
        return minted()
      }
      while (clock.now().monotonicMs < fromSeconds * 1_000) await use()
      source.answer = () => 'sts_unreachable'
      while (clock.now().monotonicMs < mintedMs + 885_000) await use()
      expect(observed).to.include('refreshFailed partner')
      const outcome = follow(tokens.get(REQUEST))
      await clock.advance(8_000)
      expect(outcome.result, 'after it').to.equal('token_unavailable')
    }
    await fc.assert(fc.asyncProperty(moment, outage), { numRuns: 20 })
  })

  it('asks STS less and less while a refresh fails: at most once a minute in the end', async () => {
    const { tokens, source, clock } = await warmEngine()
    source.answer = () => 'sts_unavailable'
    const times: number[] = []
    for (let second = 0; second < 884; second++) {
      const before = source.calls.length
      await clock.advance(1_000)
      expect(tokens.get(REQUEST)).to.equal('token-1')
      if (source.calls.length > before) times.push(second)
    }
    expect(times.length).to.be.within(10, 25)
    expect(times.at(-1)! - times.at(-2)!).to.be.within(44, 61)
  })

  it('is not sent after a suspension in which it expired, though no timer ran', async () => {
    const { tokens, source, clock } = await warmEngine()
    clock.shiftWall(10 * MINUTE)
    expect(tokens.get(REQUEST)).to.equal('token-1')
    await clock.advance(0)
    expect(source.calls, 'the refresh that the suspension swallowed').to.have.lengthOf(2)
    clock.shiftWall(60 * MINUTE)
    const outcome = follow(tokens.get(REQUEST))
    await clock.advance(0)
    expect(outcome.result).to.equal('token-3')
  })

  it('is not kept alive by a clock that was set back', async () => {
    const { tokens, source, clock } = await warmEngine()
    source.answer = () => 'sts_unreachable'
    clock.shiftWall(-24 * 60 * MINUTE)
    await clock.advance(885_000)
    expect(tokens.get(REQUEST)).to.be.instanceOf(Promise)
  })

  it('says in the log once that it was minted, and that it was minted again after trouble', async () => {
    const { tokens, source, clock, captured } = await warmEngine()
    source.answer = () => 'access_denied'
    await clock.advance(320_000)
    source.answer = () => minted()
    await clock.advance(400_000)
    expect(tokens.get(REQUEST)).to.be.a('string').and.not.equal('token-1')
    expect(captured.lines('token minted')).to.have.lengthOf(1)
    expect(captured.lines('token not minted')[0]).to.include({ reason: 'access_denied', failures: 1, route: 'partner' })
    expect(captured.lines('token minted again')).to.have.lengthOf(1)
    expect(captured.text()).not.to.contain('token-1')
  })

  it('says in the log what its evidence names, and nothing of an opaque one', async () => {
    const { tokens, source, clock, captured } = createTestEngine()
    const value = unsignedJwt()
    source.answer = () => minted({ value, evidence: readEvidence(value) })
    await tokens.get(REQUEST)
    source.answer = () => minted()
    await tokens.get(requestFor({ audience: ['opaque'] }))
    await clock.advance(0)
    const [known, opaque] = captured.lines('token minted')
    expect(known).to.include({ route: 'partner', jti: 'a-token-id', sub: ROLE, lifeSeconds: 900 })
    expect(opaque).to.include({ route: 'partner', lifeSeconds: 900 }).and.not.have.any.keys('jti', 'sub')
  })
})
