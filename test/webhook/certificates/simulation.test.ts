import { expect } from 'chai'
import { describe, it } from 'mocha'
import type { Fault, SimulationOptions } from '../../support/rotation/simulation.ts'
import { DAY, MINUTE, simulate } from '../../support/rotation/simulation.ts'
import { seededRandom } from '../../support/rotation/random.ts'

const TEN_YEARS = 3652
const DESIGN = { lifetimeMs: 90 * DAY, publicationDelayMs: 5 * MINUTE }
const FAULTS: readonly Fault[] = [
  'restart',
  'rolling-restart',
  'delete-secret',
  'delete-secret-and-restart',
  'wipe-bundle',
  'break-key',
  'stall',
]

describe('rotation over ten years', function () {
  this.timeout(60_000)

  const options = (seed: number, changes: Partial<SimulationOptions> = {}): SimulationOptions => ({
    days: TEN_YEARS,
    replicas: 3,
    observers: 3,
    // A little less than the delay: the calls of a replica take time too.
    latestMs: 4.9 * MINUTE,
    lifetimes: DESIGN,
    faults: [],
    faultEveryDays: 20,
    random: seededRandom(seed),
    ...changes,
  })

  it('makes a certificate every two months, once, and never serves one that an API server does not trust', async () => {
    const { violations, checks, minted, mostStored } = await simulate(options(1))
    expect(violations).to.deep.equal([])
    expect(checks).to.be.greaterThan(10_000)
    // 60 to 63 days apart, and the days until somebody looks.
    expect(minted).to.be.within(TEN_YEARS / 71, TEN_YEARS / 60 + 1)
    expect(mostStored).to.equal(2)
  })

  it('holds under restarts, deletions, hand edits, broken entries and stalled calls, with clocks an hour off', async () => {
    const { violations, minted, faults, mostStored } = await simulate(options(2, { faults: FAULTS }))
    expect(violations).to.deep.equal([])
    expect(faults).to.be.greaterThan(150)
    expect(minted).to.be.lessThan(TEN_YEARS / 60 + faults)
    expect(mostStored).to.be.at.most(4)
  })

  it('is noticed when it fails: without the delay, an API server that is late trusts too little', async () => {
    const { violations } = await simulate(
      options(3, { days: 130, lifetimes: { ...DESIGN, publicationDelayMs: 30_000 } }),
    )
    expect(violations).not.to.be.empty
  })
})
