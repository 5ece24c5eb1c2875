import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { REASONS, createRefusals, createWarnings, warningLine } from '../../../webhook/src/injection/outcome.ts'

describe('warnings', () => {
  it('are one line of at most 256 bytes of printable ASCII, whatever a name holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(warningLine(text)).to.match(/^[\x20-\x7e]{0,256}$/)
      }),
      { numRuns: 2000 },
    )
    expect(warningLine('x'.repeat(257))).to.equal(`${'x'.repeat(253)}...`)
    expect(warningLine('x'.repeat(256))).to.equal('x'.repeat(256))
    expect(warningLine('a\nb\u00e9')).to.equal('a\\u000ab\\u00e9')
  })

  it('are said once each, at most sixteen', () => {
    const { warn, lines } = createWarnings()
    for (let index = 0; index < 40; index += 1) warn(`warning ${Math.floor(index / 2)}`)
    expect(lines()).to.deep.equal(Array.from({ length: 16 }, (_, index) => `warning ${index}`))
  })
})

describe('refusals', () => {
  it('keep their order; the first gives the reason', () => {
    const refusals = createRefusals()
    expect(refusals.reason()).to.equal(undefined)
    refusals.report('windows', { where: 'spec.os.name', value: 'windows', allowed: 'linux' })
    refusals.as('port-conflict')({ where: 'spec', value: '', allowed: '' })
    expect(refusals.reason()).to.equal('windows')
    expect(refusals.problems.map(({ where }) => where)).to.deep.equal(['spec.os.name', 'spec'])
  })

  it('are at most forty, each with a readable place', () => {
    const refusals = createRefusals()
    for (let index = 0; index < 100; index += 1)
      refusals.report('invalid-pod', { where: 'x'.repeat(1000), value: '', allowed: '' })
    expect(refusals.problems).to.have.lengthOf(40)
    expect(refusals.problems[0]?.where).to.have.lengthOf(200)
  })
})

describe('reasons', () => {
  it('are metric labels with a sentence each', () => {
    for (const [reason, sentence] of Object.entries(REASONS)) {
      expect(reason).to.match(/^[a-z]+(-[a-z]+)*$/)
      expect(warningLine(`not injected: ${sentence}`)).to.equal(`not injected: ${sentence}`)
      expect(sentence).to.match(/\.$/)
    }
  })
})
