import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { hasMoreValues } from '../../../webhook/src/admission/json-values.ts'

describe('values in a JSON text', () => {
  for (const [what, text, marks] of [
    ['objects', '[{},{},{}]', 6],
    ['lists in lists', '[[[[]]]]', 4],
    ['members', '{"a":1,"b":2,"c":3}', 3],
    ['a text that only opens', '[[[[[[[[', 8],
  ] as const) {
    it(`counts ${what}`, () => {
      expect(hasMoreValues(text, marks - 1)).to.equal(true)
      expect(hasMoreValues(text, marks)).to.equal(false)
    })
  }

  it('counts nothing inside strings, whatever they escape', () => {
    expect(hasMoreValues(String.raw`"{[,\",,,\\\",,,\\"`, 0)).to.equal(false)
    expect(hasMoreValues(String.raw`["\\",1]`, 1)).to.equal(true)
    expect(hasMoreValues(String.raw`["\\",1]`, 2)).to.equal(false)
  })

  it('is a bound: a text that passes has at most twice as many values, and one', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(20), (value, most) => {
        if (!hasMoreValues(JSON.stringify(value), most)) expect(countValues(value)).to.be.at.most(2 * most + 1)
      }),
      { numRuns: 5_000 },
    )
  })

  it('says the same of a text with spaces between', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(8), (value, most) => {
        const spaced = JSON.stringify(value, null, 2).padEnd(most + 1)
        expect(hasMoreValues(spaced, most)).to.equal(hasMoreValues(JSON.stringify(value).padEnd(most + 1), most))
      }),
      { numRuns: 2_000 },
    )
  })
})

function countValues(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, entry) => sum + countValues(entry), 1)
}
