import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { stringify } from 'yaml'
import { parseYaml } from '../../../../webhook/src/injection/annotations/yaml.ts'

const objection = (text: string): string => {
  const parsed = parseYaml(text)
  return parsed.ok ? `accepted ${JSON.stringify(parsed.value)}` : parsed.allowed
}

describe('parseYaml', () => {
  it('reads plain data', () => {
    expect(parseYaml('a: [1, "2", {b: null}]\nc: |\n  text\n  more\n')).to.deep.equal({
      ok: true,
      value: { a: [1, '2', { b: null }], c: 'text\nmore\n' },
    })
    expect(parseYaml('')).to.deep.equal({ ok: true, value: null })
  })

  it('refuses what could make more of a text than it says', () => {
    for (const [text, what] of Object.entries({
      'a: &x 1': 'anchors',
      '[*x]': 'aliases',
      '!!binary aGk=': 'tags',
      '!<tag:yaml.org,2002:str> a': 'tags',
      '%YAML 1.1\n---\na: 1': 'directives',
    }))
      expect(objection(text)).to.equal(`YAML without ${what}`)
  })

  it('takes the same characters inside of text', () => {
    expect(parseYaml('"&a *b !c %d"')).to.deep.equal({ ok: true, value: '&a *b !c %d' })
    expect(parseYaml('- |\n  &a\n  *b\n  !c')).to.deep.equal({ ok: true, value: ['&a\n*b\n!c\n'] })
  })

  it('gives merge keys no meaning', () => {
    expect(parseYaml('<<: {a: 1}')).to.deep.equal({ ok: true, value: { '<<': { a: 1 } } })
  })

  it('refuses depth, in flow and in block form', () => {
    for (const text of [
      '['.repeat(9),
      '{a: '.repeat(9),
      `${'['.repeat(30_000)}${']'.repeat(30_000)}`,
      `${'- '.repeat(33)}x`,
      `${'? '.repeat(33)}x`,
      Array.from({ length: 70 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n'),
    ])
      expect(objection(text), text.slice(0, 20)).to.equal('YAML without deep nesting')
    expect(parseYaml(`${'['.repeat(8)}${']'.repeat(8)}`).ok).to.equal(true)
    expect(parseYaml(Array.from({ length: 64 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')).ok).to.equal(true)
  })

  it('refuses what is mostly punctuation', () => {
    expect(objection(`[${','.repeat(30_001)}]`)).to.equal('YAML without more than 30000 tokens')
    expect(parseYaml(Array.from({ length: 4000 }, (_, index) => `k${index}: 1`).join('\n')).ok).to.equal(true)
  })

  it('refuses repeated keys, a second document and broken text, with the line', () => {
    expect(objection('a: 1\nb: 2\na: 3')).to.equal('valid YAML (line 3: Map keys must be unique)')
    expect(objection('- {x: 1}\n- b:\n    c: 1\n    "c": 2')).to.equal('valid YAML (line 4: Map keys must be unique)')
    expect(objection('1: a\n"1": b')).to.equal('valid YAML (line 2: Map keys must be unique)')
    expect(objection('[a]: 1\n[a]: 2')).to.equal('valid YAML (line 2: Map keys must be unique)')
    expect(objection('a: 1\n---\nb: 2')).to.match(/^valid YAML \(line 2: .*multiple documents/)
    // The text itself may be a secret.
    expect(objection('a: |hunter2\n b')).to.equal('valid YAML (line 1: Block scalar header includes extra characters)')
    expect(objection('a: "x')).to.equal('valid YAML (line 1: Missing closing "quote)')
  })

  it('leaves prototypes alone', () => {
    const parsed = parseYaml('__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}')
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined)
    expect(parsed.ok && Object.keys(parsed.value as object)).to.deep.equal(['__proto__', 'constructor'])
  })

  it('reads back JSON-like data it is given as YAML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = stringify(value, { aliasDuplicateObjects: false })
        const parsed = parseYaml(text)
        // As JSON, which knows no negative zero.
        expect(parsed.ok && JSON.stringify(parsed.value)).to.equal(JSON.stringify(value))
      }),
      { numRuns: 1000 },
    )
  })

  it('ends on any text', () => {
    const indicators = fc.string({
      unit: fc.constantFrom(...'- ? : , [ ] { } # & * ! | > \' " % @ ` \n \t a 1 ~'.split(' '), ' '),
      maxLength: 60,
    })
    fc.assert(
      fc.property(fc.oneof(indicators, fc.string({ unit: 'binary' })), (text) => typeof objection(text) === 'string'),
      {
        numRuns: 2000,
      },
    )
  })
})
