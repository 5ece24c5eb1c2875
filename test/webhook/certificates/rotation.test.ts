import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Candidate } from '../../../webhook/src/certificates/rotation.ts'
import { chooseServed, planBundle, planStore, sight } from '../../../webhook/src/certificates/rotation.ts'

const DAY = 24 * 60 * 60 * 1000
const lifetimes = { lifetimeMs: 90 * DAY, publicationDelayMs: 300_000 }
const candidate = (id: string, notAfter: number, fits = true): Candidate => ({ id, notBefore: 0, notAfter, fits })
const NONE = new Map<string, number>()

describe('what the Secret holds', () => {
  const plan = (
    stored: readonly Candidate[],
    served: Candidate | undefined,
    now: number,
    jitter = 0,
  ): ReturnType<typeof planStore> => planStore(stored, served, { now, jitter, lifetimes })
  const a = candidate('a', 90 * DAY)

  it('begins with a new certificate', () => expect(plan([], undefined, 0)).to.deep.equal({ keep: [], mint: true }))

  it('is left alone until two thirds of the life are over', () => {
    expect(plan([a], a, 60 * DAY - 1)).to.deep.equal({ keep: [a], mint: false })
    expect(plan([a], a, 60 * DAY)).to.deep.equal({ keep: [a], mint: true })
  })

  it('is renewed up to three days later, by the replica’s jitter', () => {
    expect(plan([a], a, 63 * DAY - 1, 1).mint).to.equal(false)
    expect(plan([a], a, 63 * DAY, 1).mint).to.equal(true)
  })

  it('loses what has expired', () => expect(plan([a], undefined, 90 * DAY)).to.deep.equal({ keep: [], mint: true }))

  it('gets back what is served, and a new one, when it was deleted', () =>
    expect(plan([], a, DAY)).to.deep.equal({ keep: [a], mint: true }))

  it('gets one beside a certificate that is not valid yet, which a clock that is ahead has made', () => {
    const future = { ...candidate('future', 400 * DAY), notBefore: 310 * DAY }
    expect(plan([future], undefined, DAY)).to.deep.equal({ keep: [future], mint: true })
    expect(plan([future], future, 310 * DAY).mint).to.equal(false)
  })

  it('gets one for the new names when they have changed, beside the old', () => {
    const old = candidate('old', 90 * DAY, false)
    expect(plan([old], undefined, DAY)).to.deep.equal({ keep: [old], mint: true })
  })
})

describe('what caBundle holds', () => {
  const a = candidate('a', 30 * DAY)
  const b = candidate('b', 90 * DAY)
  const plan = (
    stored: readonly Candidate[],
    orphans: readonly Candidate[],
    elapsed: number,
    seen = NONE,
  ): readonly string[] =>
    planBundle(stored, orphans, { now: DAY, elapsed, sightings: seen, lifetimes }).map(({ id }) => id)

  it('is everything stored, the oldest first, in every replica', () => {
    expect(plan([b, a], [], 0)).to.deep.equal(['a', 'b'])
    expect(plan([a, b], [], 0)).to.deep.equal(['a', 'b'])
    const twin = candidate('c', 90 * DAY)
    expect(plan([twin, b], [], 0)).to.deep.equal(['b', 'c'])
    expect(plan([b, twin], [], 0)).to.deep.equal(['b', 'c'])
  })

  it('keeps an orphan for one publication delay', () => {
    const seen = new Map([['a', 1000]])
    expect(plan([b], [a], 1000)).to.deep.equal(['a', 'b'])
    expect(plan([b], [a], 300_999, seen)).to.deep.equal(['a', 'b'])
    expect(plan([b], [a], 301_000, seen)).to.deep.equal(['b'])
  })

  it('holds nothing that has expired', () =>
    expect(plan([candidate('x', DAY)], [candidate('y', DAY)], 0)).to.deep.equal([]))
})

describe('what is served', () => {
  const a = candidate('a', 30 * DAY)
  const b = candidate('b', 90 * DAY)
  const choose = (changes: Partial<Parameters<typeof chooseServed>[0]>): string | undefined =>
    chooseServed({
      stored: [a, b],
      served: undefined,
      published: new Map([
        ['a', 0],
        ['b', 0],
      ]),
      orphaned: NONE,
      now: DAY,
      elapsed: 0,
      lifetimes,
      ...changes,
    })?.id

  it('is the oldest that is published, after a start', () => expect(choose({})).to.equal('a'))
  it('is the newest, once it has been published for the delay', () => {
    expect(choose({ elapsed: 299_999, served: a })).to.equal('a')
    expect(choose({ elapsed: 300_000, served: a })).to.equal('b')
  })
  it('is nothing before anything is published', () => expect(choose({ published: NONE })).to.equal(undefined))
  it('stays what it is while caBundle is wiped', () => expect(choose({ published: NONE, served: b })).to.equal('b'))
  it('is never one that has expired, is not valid yet, or lacks a name', () => {
    const future = { ...b, notBefore: DAY + 1 }
    expect(choose({ stored: [a, future], elapsed: 300_000 })).to.equal('a')
    expect(choose({ stored: [a, future], elapsed: 300_000, now: DAY + 1 })).to.equal('b')
    expect(choose({ now: 30 * DAY, served: a })).to.equal('b')
    expect(choose({ stored: [{ ...a, fits: false }, b] })).to.equal('b')
  })
  it('waits for whoever serves an orphan, for half the delay', () => {
    const orphaned = new Map([['x', 1000]])
    expect(choose({ orphaned, elapsed: 1000 })).to.equal(undefined)
    expect(choose({ orphaned, elapsed: 150_999 })).to.equal(undefined)
    expect(choose({ orphaned, elapsed: 151_000 })).to.equal('a')
    expect(choose({ orphaned, elapsed: 1000, served: b })).to.equal('b')
  })

  it('is always stored or served already, in time, and has every name', () => {
    const arbitrary = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd'),
      notBefore: fc.nat(100),
      notAfter: fc.nat(100),
      fits: fc.boolean(),
    })
    const ids = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(100)))
    fc.assert(
      fc.property(
        fc.uniqueArray(arbitrary, { selector: ({ id }) => id }),
        fc.option(arbitrary, { nil: undefined }),
        ids,
        fc.nat(100),
        (stored, served, published, now) => {
          const chosen = chooseServed({
            stored,
            served,
            published: new Map(published),
            orphaned: NONE,
            now,
            elapsed: now,
            lifetimes,
          })
          if (chosen === undefined) return
          expect([...stored, served]).to.include(chosen)
          expect(chosen.notBefore).to.be.at.most(now)
          expect(chosen.notAfter).to.be.greaterThan(now)
          expect(chosen.fits).to.equal(true)
        },
      ),
    )
  })
})

describe('sightings', () => {
  it('remember the first look and forget what was gone in between', () => {
    const first = sight(NONE, ['a', 'b'], 1)
    const second = sight(first, ['b', 'c'], 2)
    expect([...second]).to.deep.equal([
      ['b', 1],
      ['c', 2],
    ])
    expect([...sight(second, ['a'], 3)]).to.deep.equal([['a', 3]])
  })
})
