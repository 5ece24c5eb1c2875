import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { LeafRefusedError, createLeaves } from '../../../proxy/src/authority/leaves.ts'
import type { Leaves } from '../../../proxy/src/authority/leaves.ts'
import { createFakeClock } from '../../support/tokens/clock.ts'
import type { FakeClock } from '../../support/tokens/clock.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

describe('the leaves of a pod’s authority', () => {
  let clock: FakeClock
  let made: string[]
  let leaves: Leaves<number>
  beforeEach(() => {
    clock = createFakeClock()
    made = []
    leaves = createLeaves(clock, (host) => Promise.resolve(made.push(host)))
  })

  async function getMany(count: number, prefix = 'h'): Promise<void> {
    for (let index = 0; index < count; index++) {
      await leaves.get(`${prefix}${index}`)
      await clock.advance(40)
    }
  }

  it('are made once per host, also for calls at the same time', async () => {
    expect(await Promise.all([leaves.get('a'), leaves.get('a'), leaves.get('b')])).to.deep.equal([1, 1, 2])
    expect(made).to.deep.equal(['a', 'b'])
  })

  it('are made again after one could not be made', async () => {
    let attempts = 0
    const failing = createLeaves(clock, () =>
      ++attempts === 1 ? Promise.reject(new Error('once')) : Promise.resolve(attempts),
    )
    const error: unknown = await failing.get('a').catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(Error)
    expect(await failing.get('a')).to.equal(2)
  })

  it('are renewed at half of their seven days, not before', async () => {
    await leaves.get('a')
    await clock.advance(3.5 * DAY_MS - 1)
    expect(await leaves.get('a')).to.equal(1)
    await clock.advance(1)
    expect(await leaves.get('a')).to.equal(2)
  })

  it('are renewed after a suspension, which only the wall clock shows', async () => {
    await leaves.get('a')
    clock.shiftWall(30 * DAY_MS)
    expect(await leaves.get('a')).to.equal(2)
  })

  it('are renewed by the monotonic clock when somebody sets the wall clock back in between', async () => {
    await leaves.get('a')
    await clock.advance(3.5 * DAY_MS)
    clock.shiftWall(-3.5 * DAY_MS)
    expect(await leaves.get('a')).to.equal(2)
  })

  it('are replaced when the wall clock goes back so far that they are not valid yet', async () => {
    await leaves.get('a')
    clock.shiftWall(-29 * 60 * 1000)
    expect(await leaves.get('a')).to.equal(1)
    clock.shiftWall(-2 * 60 * 1000)
    expect(await leaves.get('a')).to.equal(2)
    clock.shiftWall(-2 * DAY_MS)
    expect(await leaves.get('a')).to.equal(3)
  })

  it('stay below 256, of which those go first that nobody used for the longest time', async () => {
    await leaves.get('kept')
    await getMany(255)
    await leaves.get('kept')
    await getMany(45, 'more')
    expect(made).to.have.lengthOf(301)
    await leaves.get('kept')
    await leaves.get('h254')
    expect(made).to.have.lengthOf(301)
    await leaves.get('h0')
    expect(made).to.have.lengthOf(302)
  })

  it('are refused beyond twenty-five within a second, and made again after a while', async () => {
    const results = await Promise.allSettled(Array.from({ length: 30 }, (_, index) => leaves.get(`h${index}`)))
    const refused = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as LeafRefusedError)
    expect(refused).to.have.lengthOf(5)
    expect(refused[0]).to.be.instanceOf(LeafRefusedError)
    expect(refused[0]?.reason).to.equal('too_many_certificates')
    expect(await leaves.get('h0')).to.equal(1)
    await clock.advance(40)
    expect(await leaves.get('h29')).to.equal(26)
  })

  it('are served on past half of their life while a flood of other hosts uses up what may be made', async () => {
    await leaves.get('a')
    await clock.advance(4 * DAY_MS)
    await Promise.allSettled(Array.from({ length: 30 }, (_, index) => leaves.get(`h${index}`)))
    expect(await leaves.get('a')).to.equal(1)
    await clock.advance(1000)
    expect(await leaves.get('a')).to.equal(27)
  })
})
