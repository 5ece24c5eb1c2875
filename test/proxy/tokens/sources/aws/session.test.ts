import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  canHoldAny,
  fittingSeconds,
  halvedSeconds,
  isSessionShort,
} from '../../../../../proxy/src/tokens/sources/aws/session.ts'

describe('the session behind a token', () => {
  it('is short when it ends less than 30 s after the token would', () => {
    expect(isSessionShort(900, 929)).to.equal(true)
    expect(isSessionShort(900, 930)).to.equal(false)
    expect(isSessionShort(900, undefined)).to.equal(false)
  })

  it('shortens the token to end 15 s before it', () => {
    expect(fittingSeconds(900, 3_600)).to.equal(900)
    expect(fittingSeconds(3_600, 3_600)).to.equal(3_585)
    expect(fittingSeconds(900, 500.9)).to.equal(485)
    expect(fittingSeconds(900, undefined)).to.equal(900)
  })

  it('is left to the judgement of STS when it seems to have ended', () => {
    expect(fittingSeconds(900, 10)).to.equal(60)
    expect(fittingSeconds(900, -7_200)).to.equal(60)
  })

  it('holds no token at all in its last 75 s', () => {
    expect(canHoldAny(75)).to.equal(true)
    expect(canHoldAny(74.9)).to.equal(false)
    expect(canHoldAny(undefined)).to.equal(true)
  })

  it('gets a token that is in bounds, and ends strictly before it wherever one can', () => {
    const wanted = fc.integer({ min: 60, max: 3_600 })
    fc.assert(
      fc.property(wanted, fc.double({ min: -1e6, max: 50_000, noNaN: true }), (seconds, remaining) => {
        const fitting = fittingSeconds(seconds, remaining)
        expect(fitting).to.be.at.least(60).and.at.most(seconds)
        expect(Number.isInteger(fitting)).to.equal(true)
        if (canHoldAny(remaining)) expect(fitting).to.be.below(remaining)
      }),
    )
  })
})

describe('a life that was refused', () => {
  it('is halved down to the minimum of STS, then no further', () => {
    const lives = []
    for (let seconds: number | undefined = 3_600; seconds !== undefined; seconds = halvedSeconds(seconds))
      lives.push(seconds)
    expect(lives).to.deep.equal([3_600, 1_800, 900, 450, 225, 112, 60])
  })
})
