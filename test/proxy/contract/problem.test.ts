import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { describeProblem, quote } from '../../../proxy/src/contract.ts'

describe('problem', () => {
  it('names where, what and the allowed form', () => {
    expect(describeProblem({ where: 'UNMATCHED', value: 'drop', allowed: 'passthrough or deny' })).to.equal(
      'UNMATCHED: got "drop", expected passthrough or deny',
    )
  })

  it('cuts a long value', () => {
    expect(quote('x'.repeat(81))).to.equal(`"${'x'.repeat(80)}..."`)
    expect(quote('x'.repeat(80))).to.equal(`"${'x'.repeat(80)}"`)
  })

  it('is one line of printable ASCII whatever the value', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(quote(value)).to.match(/^[\x20-\x7e]*$/)
      }),
    )
    expect(quote('é\u0000\n')).to.equal('"\\u00e9\\u0000\\n"')
  })
})
