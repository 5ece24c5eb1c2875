import { expect } from 'chai'
import { describe, it } from 'mocha'
import { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { TokenRequest } from '../../../proxy/src/tokens/token-request.ts'
import { createTestEngine, follow } from '../../support/tokens/engine.ts'
import type { TestEngine } from '../../support/tokens/engine.ts'
import { requestFor } from '../../support/tokens/request.ts'
import { minted } from '../../support/tokens/source.ts'

const MINUTE = 60_000
const partner = (name: string | number): ReturnType<typeof requestFor> =>
  requestFor({ audience: [`https://${name}.example`], route: String(name) })

/** An engine whose source answers at once. */
function answering(): TestEngine {
  const engine = createTestEngine()
  engine.source.answer = () => minted()
  return engine
}

describe('tokens by key', () => {
  it('are one per key, shared by routes that want the same', async () => {
    const { tokens, source } = answering()
    await tokens.get(requestFor({ route: 'a' }))
    expect(tokens.get(requestFor({ route: 'b' }))).to.equal('token-1')
    await tokens.get(requestFor({ durationSeconds: 600 }))
    await tokens.get(requestFor({ signingAlgorithm: 'ES384' }))
    await tokens.get(requestFor({ tags: { team: 'x' } }))
    expect(source.calls).to.have.lengthOf(4)
  })

  it('are at most 256; the one least recently used gives way', async () => {
    const { tokens, source, clock, observed } = answering()
    for (let index = 0; index < 256; index++) {
      await clock.advance(1)
      await tokens.get(partner(index))
    }
    await clock.advance(1)
    await tokens.get(partner(0))
    expect(observed.filter((line) => line.startsWith('dropped'))).to.deep.equal([])
    await tokens.get(partner('one-more'))
    expect(observed.filter((line) => line.startsWith('dropped'))).to.deep.equal(['dropped 1'])
    expect(tokens.get(partner(0))).to.be.a('string')
    const calls = source.calls.length
    follow(tokens.get(partner(1)))
    await clock.advance(0)
    expect(source.calls).to.have.lengthOf(calls + 1)
  })

  it('of listed hosts never give way to those of a wildcard', async () => {
    const { tokens, source, clock, observed } = answering()
    const unlisted = (name: number): TokenRequest => ({
      ...partner(`made-up-${name}`),
      unlisted: { host: `made-up-${name}.example`, port: 443 },
    })
    for (let index = 0; index < 250; index++) await tokens.get(partner(index))
    for (let index = 0; index < 300; index++) {
      await clock.advance(1)
      await tokens.get(unlisted(index))
    }
    for (let index = 250; index < 256; index++) await tokens.get(partner(index))
    await tokens.get(unlisted(999))
    await tokens.get(unlisted(1000))
    expect(observed.filter((line) => /^dropped \d/.test(line))).to.deep.equal([])
    expect(tokens.holds(unlisted(1000))).to.equal(true)
    const calls = source.calls.length
    for (let index = 0; index < 256; index++) expect(tokens.get(partner(index))).to.be.a('string')
    expect(source.calls).to.have.lengthOf(calls)
    expect(clock.pending()).to.be.at.most(257)
  })

  it('do not grow timers without bound, however many are asked for', async () => {
    const { tokens, source, clock } = answering()
    for (let index = 0; index < 2_000; index++) await tokens.get(partner(index))
    expect(source.calls).to.have.lengthOf(2_000)
    expect(clock.pending()).to.be.at.most(256)
  })

  it('answer the requests of a key that gave way while they waited', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    const outcome = follow(tokens.get(partner('first')))
    await clock.advance(1)
    for (let index = 0; index < 256; index++) follow(tokens.get(partner(index)))
    expect(observed).to.include('dropped first')
    source.calls[0]!.succeed()
    await clock.advance(0)
    expect(outcome.result).to.equal('token-1')
    expect(observed, 'no metric of a key that is gone').not.to.include('replaced first 7')
  })

  it('are dropped when nobody asks for twice their life', async () => {
    const { tokens, source, clock, observed } = answering()
    await tokens.get(partner('idle'))
    await clock.advance(120 * MINUTE)
    expect(observed).to.include('dropped idle')
    expect(source.calls.length).to.be.within(4, 6)
    expect(clock.pending()).to.equal(0)
  })

  it('stay while they are asked for', async () => {
    const { tokens, source, clock, observed } = answering()
    await tokens.get(partner('busy'))
    for (let minute = 0; minute < 120; minute += 10) {
      await clock.advance(10 * MINUTE)
      expect(tokens.get(partner('busy'))).to.be.a('string')
    }
    expect(observed).not.to.include('dropped busy')
    expect(source.calls.length).to.be.within(15, 18)
  })
})

describe('fetching at start', () => {
  it('does not wait, and is ready when every key has had a token, for good', async () => {
    const { tokens, source, clock } = createTestEngine()
    tokens.prefetch([partner('a'), partner('b'), partner('a')])
    expect(tokens.ready()).to.equal(false)
    await clock.advance(0)
    expect(source.calls).to.have.lengthOf(2)
    source.calls[0]!.succeed()
    await clock.advance(0)
    expect(tokens.ready()).to.equal(false)
    source.calls[1]!.succeed()
    await clock.advance(0)
    expect(tokens.ready()).to.equal(true)
    source.answer = () => 'sts_unreachable'
    await clock.advance(20 * MINUTE)
    expect(tokens.ready()).to.equal(true)
  })

  it('goes on in the background, however long it takes, until there is a token', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    source.answer = () => 'federation_disabled'
    tokens.prefetch([partner('a')])
    await clock.advance(6 * 60 * MINUTE)
    expect(observed).not.to.include('dropped a')
    expect(source.calls.length).to.be.within(70, 160)
    source.answer = () => minted()
    await clock.advance(5 * MINUTE)
    expect(tokens.ready()).to.equal(true)
  })

  it('leaves room for others: readiness waits for at most 128 keys', async () => {
    const { tokens, source, clock, observed } = createTestEngine()
    tokens.prefetch(Array.from({ length: 300 }, (_, index) => partner(index)))
    await clock.advance(0)
    expect(source.calls).to.have.lengthOf(128)
    for (let index = 1_000; index < 1_300; index++) follow(tokens.get(partner(index)))
    expect(observed.filter((line) => /^dropped \d{1,3}$/.test(line))).to.deep.equal([])
    for (const call of source.calls.slice(0, 128)) call.succeed()
    await clock.advance(0)
    expect(tokens.ready()).to.equal(true)
  })

  it('is ready at once without a key to fetch, and looks for credentials all the same', async () => {
    const { tokens, source, clock, captured, fatal } = createTestEngine()
    source.warming = Promise.reject(new TokenFailure('credentials_unreachable'))
    tokens.prefetch([], ['aws'])
    expect(tokens.ready()).to.equal(true)
    await clock.advance(0)
    expect(captured.lines('credentials not found')[0]).to.include({ reason: 'credentials_unreachable' })
    expect(fatal).to.deep.equal([])
  })

  it('gives up looking for credentials after 8 s, and copes with any error', async () => {
    const engine = createTestEngine()
    engine.source.warming = new Promise(() => undefined)
    engine.tokens.prefetch([], ['aws'])
    await engine.clock.advance(8_000)
    expect(engine.captured.lines('credentials not found')[0]).to.include({ reason: 'sts_timeout' })
    const other = createTestEngine()
    other.source.warming = Promise.reject(new RangeError('odd'))
    other.tokens.prefetch([], ['aws'])
    await other.clock.advance(0)
    expect(other.captured.lines('credentials not found')[0]).to.include({
      reason: 'unknown',
      detail: 'RangeError: odd',
    })
  })

  it('ends the process when the pod has no credentials at all', async () => {
    const { tokens, source, clock, fatal } = createTestEngine()
    source.answer = () => 'no_credentials'
    tokens.prefetch([partner('a')])
    await clock.advance(0)
    expect(fatal.map(({ reason }) => reason)).to.deep.equal(['no_credentials'])
    const idle = createTestEngine()
    idle.source.warming = Promise.reject(new TokenFailure('no_credentials'))
    idle.tokens.prefetch([], ['aws'])
    await idle.clock.advance(0)
    expect(idle.fatal).to.have.lengthOf(1)
  })

  it('does not end a process that has minted before', async () => {
    const { tokens, source, clock, fatal } = createTestEngine()
    source.answer = () => minted()
    await tokens.get(partner('a'))
    source.answer = () => 'no_credentials'
    await clock.advance(20 * MINUTE)
    expect(source.calls.length).to.be.above(1)
    expect(fatal).to.deep.equal([])
  })
})

describe('closing', () => {
  it('ends work in the background', async () => {
    const { tokens, source, clock } = answering()
    await tokens.get(partner('a'))
    tokens.close()
    expect(clock.pending()).to.equal(0)
    await clock.advance(60 * MINUTE)
    expect(source.calls).to.have.lengthOf(1)
  })

  it('lets an attempt under way answer, and plans nothing after it', async () => {
    const { tokens, source, clock } = createTestEngine()
    const outcome = follow(tokens.get(partner('a')))
    await clock.advance(0)
    tokens.close()
    source.calls[0]!.succeed()
    await clock.advance(0)
    expect(outcome.result).to.equal('token-1')
    expect(clock.pending()).to.equal(0)
  })
})
