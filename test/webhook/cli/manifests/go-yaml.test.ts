import { expect } from 'chai'
import fc from 'fast-check'
import { after, before, describe, it } from 'mocha'
import { parseManifests } from '../../../../webhook/src/cli/manifests/manifests.ts'
import { runWith } from '../../../support/cli/files.ts'
import { hasGo, startGoYaml } from '../../../support/cli/go-yaml.ts'
import type { GoYaml } from '../../../support/cli/go-yaml.ts'

const HEAD =
  'kind: Pod\nmetadata: {annotations: {outbound-jwt.io/inject: "true", outbound-jwt.io/hosts: a.example}}\nspec:\n  containers: [{name: a, image: x}]\n'

const injectedYaml = (text: string): string => runWith({ a: text }, 'inject', '-f', 'a').stdout
const injectedJson = (text: string): unknown =>
  JSON.parse(runWith({ a: text }, 'inject', '-f', 'a', '-o', 'json').stdout)
const member = (value: unknown): unknown => (value as { x: unknown }).x

/** What is written → what Kubernetes makes of it. */
const CASES: readonly (readonly [name: string, written: string, read: unknown])[] = [
  ['0o17', '0o17', 15],
  ['+0o17', '+0o17', 15],
  ['0o_1', '0o_1', 1],
  ['0644', '0644', 420],
  ['08', '08', 8],
  ['0x_ff', '0x_ff', 255],
  ['0b11', '-0b11', -3],
  ['1_000', '1_000', 1000],
  ['1:20', '1:20', '1:20'],
  ['a date', '2020-01-01', '2020-01-01'],
  ['a time', '2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'],
  ['a large number', '18446744073709551616', 18446744073709552000],
  ['a whole number that no float holds', '9'.repeat(400), '9'.repeat(400)],
  ['a number beyond all', '1e999', '1e999'],
  ['=', '=', '='],
  ...['yes', 'on', 'y', 'Y', 'TRUE'].map((word) => [word, word, true] as const),
  ...['no', 'off', 'n', 'N', 'False'].map((word) => [word, word, false] as const),
  ...['0o17', '+0o17', '0o_1', 'yes', 'no', 'on', 'off', 'y', 'n', '1_000', '1:20', '2020-01-01', '=', '<<', '~'].map(
    (word) => [`${word} in quotes`, `'${word}'`, word] as const,
  ),
  ['DEL', '"a\\x7fb"', 'a\x7fb'],
  ['NEL', '"a\\Nb"', 'a\x85b'],
  ['a BOM', '"\\uFEFFb"', '\ufeffb'],
  ['a line separator', '"a\\Lb"', 'a\u2028b'],
  ['a paragraph separator', '"a\\Pb"', 'a\u2029b'],
  ['a carriage return', '"a\\rb\\r\\nc"', 'a\rb\r\nc'],
  ['a tab', '"a\\tb\\t"', 'a\tb\t'],
  ['a block that begins with a tab', '|2\n  \ta\n  b\n', '\ta\nb\n'],
  ['a block that begins with lines and a tab', '|2\n\n  \ta\n', '\n\ta\n'],
  ['a block that begins with blanks', '|2\n     a\n    b\n', '   a\n  b\n'],
  ['a folded block', '>-\n  a\n  b\n\n  c\n    d\n  e\n', 'a b\nc\n  d\ne'],
  ['a merge', '{<<: {a: 1, b: 2}, b: 3}', { a: 1, b: 3 }],
  ['a merge after its member', '{b: 3, <<: {a: 1, b: 2}}', { a: 1, b: 2 }],
  ['merges', '{<<: [{a: 1}, {a: 2, b: 2}]}', { a: 1, b: 2 }],
  ['a merge in quotes', '{"<<": {a: 1}}', { '<<': { a: 1 } }],
  ['an alias', '[&a {b: "0o17"}, *a]', [{ b: '0o17' }, { b: '0o17' }]],
  ['an alias of a merge', '[&a {b: 1}, {<<: *a, c: 0o17}]', [{ b: 1 }, { b: 1, c: 15 }]],
  ['keys', '{1: a, y: b, 0o17: c, =: d}', { 1: 'a', true: 'b', 15: 'c', '=': 'd' }],
]

describe('YAML is read as Kubernetes reads it, and what is written reads the same', () => {
  for (const [name, written, read] of CASES)
    it(name, () => {
      const text = `${HEAD}x: ${written}\n`
      expect(member(parseManifests(text, 'a')[0]?.data)).to.deep.equal(read)
      const again = injectedYaml(text)
      expect(again)
        .to.contain('aws-outbound-jwt-proxy')
        .and.not.to.match(/[\x7f-\x9f\u2028\u2029\ufeff\r]/)
      expect(member(parseManifests(again, 'b')[0]?.data)).to.deep.equal(read)
    })

  it('a file that begins with a BOM, and one with CRLF', () => {
    for (const text of [`\ufeff${HEAD}`, HEAD.replaceAll('\n', '\r\n')])
      expect(injectedJson(text)).to.deep.equal(injectedJson(HEAD))
  })

  it('characters that Go takes for line breaks or refuses are named with their line', () => {
    for (const [character, code] of [
      ['\x85', '0085'],
      ['\u2028', '2028'],
      ['\u2029', '2029'],
      ['\x7f', '007F'],
      ['\0', '0000'],
      ['\r', '000D'],
    ] as const)
      expect(runWith({ a: `${HEAD}x: "a${character}b"\n` }, 'lint', '-f', 'a')).to.deep.include({
        status: 64,
        stderr: `outbound-jwt: a:5: got the character U+${code} itself, expected "\\u${code.toLowerCase()}" in double quotes\n`,
      })
  })

  it('numbers that JSON lacks are refused', () => {
    expect(runWith({ a: `${HEAD}x: .inf\n` }, 'lint', '-f', 'a').stderr).to.equal(
      'outbound-jwt: a:5: got .inf, expected a number that JSON has\n',
    )
  })
})

/** As authors write strings, or as nobody should. */
const nasty = fc.oneof(
  fc.constantFrom(...CASES.map(([, , read]) => read).filter((read) => typeof read === 'string')),
  fc.string({
    unit: fc.constantFrom(
      ...' \t\n\r:#-?\'"|>%@`&*!{}[],=<~0o_1xeE.+ayn\\\x7f\x85\u2028\u2029\ufeff\xe9\u{1f600}'.match(/./gsu)!,
    ),
  }),
)
const scalar = fc.oneof(nasty, fc.integer(), fc.boolean(), fc.constant(null))
/**
 * V8 14.6, of Node 26.10, reads `{"a":1,"\r":2}` as `{"a":1,"\\":2}` once it has read `{"a":1,"\\":2}`: it holds only as many characters of the
 * source against the name that it expects as the name has without its escapes. No member that anything here asks for begins with a backslash.
 */
const memberName = nasty.filter((text) => !text.startsWith('\\'))
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(memberName, tie('any'), { maxKeys: 4 }),
  ),
})).any
/** One way to write a string that every YAML parser reads the same. */
const escaped = (text: unknown): string =>
  JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
const token = fc.constantFrom(...CASES.map(([, written]) => written).filter((written) => !/[&|>]/.test(written)))
/** A block whose first line does not say how far it is indented; its last is not blank, because of blanks alone the parsers disagree. */
const block = fc
  .tuple(
    fc.constantFrom('|', '>'),
    fc.constantFrom('', '-', '+'),
    fc.array(fc.string({ unit: fc.constantFrom(' ', '\t', 'a', 'b', '#', ':', '-') }), { minLength: 1, maxLength: 5 }),
  )
  .map(([style, chomp, lines]) => `${style}2${chomp}\n${lines.map((line) => `    ${line}\n`).join('')}    end\n`)
const manifest = fc
  .tuple(value, fc.array(token, { maxLength: 4 }), block, value)
  .map(
    ([json, tokens, lines, anchored]) =>
      `${HEAD}x: ${escaped(json)}\ny: [${tokens.join(', ')}]\nz:\n  b: ${lines}\n  c: {a: &anchor ${escaped(anchored)}}\n  d: [*anchor, *anchor]\n`,
  )

describe(`sigs.k8s.io/yaml reads what inject writes${hasGo() ? '' : ' (skipped: go is not on PATH)'}`, () => {
  let go: GoYaml | undefined
  before(async function () {
    if (!hasGo()) this.skip()
    this.timeout(120_000)
    go = await startGoYaml()
  })
  after(() => go?.close())

  it('as it reads the cases by name', async () => {
    for (const [name, written, read] of CASES) {
      const text = `${HEAD}x: ${written}\n`
      expect(member(await go?.read(text)), name).to.deep.equal(read)
      expect(await go?.read(injectedYaml(text)), name).to.deep.equal(injectedJson(text))
    }
  })

  it('as it reads random manifests, before and after', async function () {
    this.timeout(60_000)
    await fc.assert(
      fc.asyncProperty(manifest, async (text) => {
        expect(parseManifests(text, 'a')[0]?.data).to.deep.equal(await go?.read(text))
        expect(await go?.read(injectedYaml(text))).to.deep.equal(injectedJson(text))
      }),
      { numRuns: 300 },
    )
  })
})
