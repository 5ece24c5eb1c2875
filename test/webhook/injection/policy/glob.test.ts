import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { GlobIndex, compileGlob } from '../../../../webhook/src/injection/policy/glob.ts'

describe('a glob', () => {
  it('matches what the same regular expression matches', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 })
    fc.assert(
      fc.property(texts, texts, (pattern, text) => {
        const expected = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`).test(text)
        expect(compileGlob(pattern)(text)).to.equal(expected)
      }),
      { numRuns: 5000 },
    )
  })

  it('takes time in proportion to the text, whatever its stars', () => {
    const glob = compileGlob(`${'*a'.repeat(50)}*b`)
    expect(glob('a'.repeat(100_000))).to.equal(false)
  })

  it('that matches the text of a wildcard matches every host below it', () => {
    const labels = fc.string({ unit: fc.constantFrom('a', 'b', '.'), minLength: 1, maxLength: 4 })
    const globs = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 })
    fc.assert(
      fc.property(globs, labels, labels, (pattern, suffix, label) => {
        const matches = compileGlob(pattern)
        if (matches(`*.${suffix}`)) expect(matches(`${label}.${suffix}`)).to.equal(true)
      }),
      { numRuns: 5000 },
    )
  })

  it('among many is found wherever it alone would match', () => {
    const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 6 })
    const patterns = fc.array(
      fc.oneof(
        texts,
        texts.map((text) => `*.${text}`),
      ),
      { maxLength: 8 },
    )
    fc.assert(
      fc.property(patterns, texts, (all, text) => {
        const index = new GlobIndex<number>()
        all.forEach((pattern, place) => index.add(pattern, place))
        const expected = all.flatMap((pattern, place) => (compileGlob(pattern)(text) ? [place] : []))
        expect([...new Set(index.find(text))]).to.have.members(expected)
        expect(index.has(text)).to.equal(expected.length > 0)
      }),
      { numRuns: 5000 },
    )
  })
})
