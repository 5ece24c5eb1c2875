import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { FailureClass } from '../../../proxy/src/tokens/failures.ts'
import {
  MINIMUM_REMAINING_MS,
  ageMs,
  freshness,
  idleAfterMs,
  pauseAfter,
  planLife,
} from '../../../proxy/src/tokens/policy.ts'
import type { Life, LifePlan } from '../../../proxy/src/tokens/policy.ts'

const START = { monotonicMs: 1_000, wallMs: 1_700_000_000_000 }
const later = (monotonicMs: number, wallMs = monotonicMs): { monotonicMs: number; wallMs: number } => ({
  monotonicMs: START.monotonicMs + monotonicMs,
  wallMs: START.wallMs + wallMs,
})
const plan = (fields: Partial<LifePlan> = {}): Life =>
  planLife({ start: START, lifeMs: 900_000, first: false, random: 0.5, ...fields })

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
/** Lives that STS gives, or that a session cut short. */
const lifeMs = fc.integer({ min: MINIMUM_REMAINING_MS + 1, max: 3_600_000 })
const plans = fc.record({
  lifeMs,
  random,
  first: fc.boolean(),
  refreshSkewMs: fc.option(fc.integer({ min: 1_000, max: 3_600_000 }), { nil: undefined }),
})

describe('the life of a token', () => {
  it('has its refresh around the middle, the first one of a process earlier', () => {
    expect(plan({ random: 0 }).refreshAfterMs).to.equal(472_500)
    expect(plan({ random: 1 }).refreshAfterMs).to.equal(427_500)
    expect(plan({ random: 0, first: true }).refreshAfterMs).to.equal(450_000)
    expect(plan({ random: 1, first: true }).refreshAfterMs).to.equal(180_000)
  })

  it('lasts until 15 s before the token expires', () => {
    expect(plan().usableForMs).to.equal(885_000)
  })

  it('honours TOKEN_REFRESH_SKEW before its own shares', () => {
    expect(plan({ refreshSkewMs: 300_000, random: 0 }).refreshAfterMs).to.equal(600_000)
    expect(plan({ refreshSkewMs: 300_000, random: 1 }).refreshAfterMs).to.equal(585_000)
  })

  it('keeps a skew as long as the life from asking STS all the time', () => {
    expect(plan({ refreshSkewMs: 3_600_000 }).refreshAfterMs).to.equal(180_000)
  })

  it('leaves a refresh 15 s before the token stops being sent, where the life allows it', () => {
    expect(plan({ refreshSkewMs: 1_000 }).refreshAfterMs).to.equal(870_000)
    fc.assert(
      fc.property(plans, (fields) => {
        const { refreshAfterMs, usableForMs } = plan(fields)
        const floor = fields.lifeMs / 5
        expect(refreshAfterMs).to.be.at.least(floor - 1)
        expect(refreshAfterMs).to.be.at.most(Math.max(usableForMs - 15_000, floor) + 1)
      }),
    )
  })

  it('makes at most nine calls in any hour at the default duration, whatever chance says', () => {
    fc.assert(
      fc.property(fc.array(random, { minLength: 40, maxLength: 40 }), (chances) => {
        let at = 0
        const calls = chances.map((chance, index) => {
          const call = at
          at += plan({ random: chance, first: index === 0 }).refreshAfterMs
          return call
        })
        for (const from of calls)
          expect(calls.filter((call) => call >= from && call < from + 3_600_000)).to.have.lengthOf.at.most(9)
      }),
    )
  })
})

describe('freshness', () => {
  it('goes from fresh through refresh to expired', () => {
    const life: Life = { start: START, refreshAfterMs: 450, usableForMs: 885 }
    expect([0, 449, 450, 884, 885].map((age) => freshness(life, later(age)))).to.deep.equal([
      'fresh',
      'fresh',
      'refresh',
      'refresh',
      'expired',
    ])
  })

  it('believes the wall clock after a suspension, and the monotonic one after the clock was set back', () => {
    expect(freshness(plan(), later(1_000, 890_000))).to.equal('expired')
    expect(freshness(plan(), later(890_000, -3_600_000))).to.equal('expired')
    expect(ageMs(START, later(5, 3))).to.equal(5)
    expect(ageMs(START, later(3, 5))).to.equal(5)
  })

  it('never says usable in the last 15 s, nor after either clock ran over', () => {
    fc.assert(
      fc.property(plans, fc.nat(4_000_000), fc.integer(), (fields, age, shift) => {
        const state = freshness(plan(fields), later(age, age + shift))
        expect(state === 'expired').to.equal(Math.max(age, age + shift) >= fields.lifeMs - MINIMUM_REMAINING_MS)
      }),
    )
  })

  it('never goes back while time passes', () => {
    const order = ['fresh', 'refresh', 'expired']
    fc.assert(
      fc.property(plans, fc.nat(4_000_000), fc.nat(4_000_000), (fields, age, more) => {
        const states = [age, age + more].map((at) => freshness(plan(fields), later(at)))
        expect(order.indexOf(states[1]!)).to.be.at.least(order.indexOf(states[0]!))
      }),
    )
  })
})

describe('the pause after a failure', () => {
  const classes: readonly FailureClass[] = ['transient', 'credentials', 'duration', 'config']

  it('doubles from one second to five while a request wants the token, to a minute otherwise', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 7].map((failures) => pauseAfter('transient', failures, 0))
    expect(pauses.map(({ wantedMs }) => wantedMs)).to.deep.equal([1_000, 2_000, 4_000, 5_000, 5_000, 5_000, 5_000])
    expect(pauses.map(({ backgroundMs }) => backgroundMs)).to.deep.equal([
      2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000,
    ])
  })

  it('is 15 s, then up to five minutes, where somebody has to change something', () => {
    const pauses = [1, 2, 9].map((failures) => pauseAfter('config', failures, 0))
    expect(pauses.map(({ wantedMs }) => wantedMs)).to.deep.equal([15_000, 15_000, 15_000])
    expect(pauses.map(({ backgroundMs }) => backgroundMs)).to.deep.equal([30_000, 60_000, 300_000])
  })

  it('lets requests wait only through what passes by itself', () => {
    expect(classes.filter((failureClass) => pauseAfter(failureClass, 1, 0).wait)).to.deep.equal([
      'transient',
      'credentials',
    ])
  })

  it('is never over 5 s while requests wait through it, never zero, never endless', () => {
    fc.assert(
      fc.property(fc.constantFrom(...classes), fc.integer({ min: 1 }), random, (failureClass, failures, chance) => {
        const { wait, wantedMs, backgroundMs } = pauseAfter(failureClass, failures, chance)
        expect(wantedMs)
          .to.be.at.least(500)
          .and.at.most(wait ? 5_000 : 15_000)
        expect(backgroundMs).to.be.at.least(1_000).and.at.most(300_000)
      }),
    )
  })
})

describe('an idle key', () => {
  it('is dropped after ten minutes, or twice the life of its token', () => {
    expect(idleAfterMs(0)).to.equal(600_000)
    expect(idleAfterMs(900_000)).to.equal(1_800_000)
  })
})
