import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ANNOTATIONS, PARTNER_ANNOTATIONS } from '../../../../webhook/src/injection/annotations/annotations.ts'
import { parseAnnotations } from '../../../../webhook/src/injection/annotations/raw-annotations.ts'
import { collect } from '../../../support/injection/problems.ts'

const complaints = (name: string, value: unknown): readonly string[] =>
  collect((report) => parseAnnotations(new Map([[name, value]]), report)).complaints

describe('names and values of annotations', () => {
  it('are strings', () => {
    const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    for (const [value, text] of [
      [true, 'true'],
      [null, 'null'],
      [{ toString: 1 }, '{\\"toString\\":1}'],
      [deep, '[[[\\"...\\"]]]'],
    ])
      expect(complaints('inject', value)).to.deep.equal([
        `outbound-jwt.io/inject: got "${String(text)}", expected a string; quote it`,
      ])
  })

  it('are a closed set, without what every object has', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'Inject', ''])
      expect(complaints(name, 'x').join()).to.match(/expected (?:a known annotation|one of inject, hosts)/)
  })

  it('have a sentence and a default for the docs', () => {
    for (const { doc, fallback } of Object.values(ANNOTATIONS)) {
      expect(doc).to.match(/^[A-Z].*\.$/)
      expect(fallback).not.to.equal('')
    }
  })

  it('name the partner in six of them', () => {
    expect(PARTNER_ANNOTATIONS).to.deep.equal(['hosts', 'audience', 'duration', 'signing-algorithm', 'tags', 'https'])
  })
})
