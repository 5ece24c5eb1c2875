import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { backoffMs } from '../../../proxy/src/runtime/index.ts'

const BACKOFF = { firstMs: 200, longestMs: 30_000 }

describe('the pause after failures in a row', () => {
  it('doubles from the first to the longest', () => {
    const pauses = [1, 2, 3, 8, 9, 10_000].map((failures) => backoffMs(BACKOFF, failures, 0))
    expect(pauses).to.deep.equal([200, 400, 800, 25_600, 30_000, 30_000])
  })

  it('loses at most half of itself to chance', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), random, (failures, chance) => {
        const longest = backoffMs(BACKOFF, failures, 0)
        expect(backoffMs(BACKOFF, failures, chance)).to.be.within(longest / 2, longest)
      }),
    )
    expect(backoffMs(BACKOFF, 1, 0.5)).to.equal(150)
  })
})
