import { expect } from 'chai'
import { describe, it } from 'mocha'
import { joinDocuments } from '../../../../webhook/src/cli/manifests/join.ts'

describe('documents as one text', () => {
  const CASES: readonly (readonly [what: string, second: string, between: string])[] = [
    ['begins with its marker', '---\nb: 1\n', ''],
    ['has its marker after lines without a value', '\n# c\n \t\r\n   # c\n---\nb: 1\n', ''],
    ['has no marker', 'b: 1\n', '---\n'],
    ['has a marker after a value', 'b: 1\n---\n', '---\n'],
    ['has what looks like a marker further on in its line', ' ---\n', '---\n'],
    ['has no value and no marker', '# c\n', '---\n'],
    ['is no line', '# c', '---\n'],
    ['is nothing', '', '---\n'],
  ]
  for (const [what, second, between] of CASES)
    it(`are apart by one marker, where the second one ${what}`, () => {
      expect(joinDocuments(['a: 1\n', second])).to.equal(`a: 1\n${between}${second}`)
      expect(joinDocuments(['', 'a: 1', second])).to.equal(`a: 1\n${between}${second}`)
    })

  it('may begin with millions of lines without a value', () => {
    const blank = '\n'.repeat(5_000_000)
    expect(joinDocuments(['a: 1\n', `${blank}---\n`]) === `a: 1\n${blank}---\n`).to.equal(true)
    expect(joinDocuments(['a: 1\n', blank]) === `a: 1\n---\n${blank}`).to.equal(true)
  })
})
