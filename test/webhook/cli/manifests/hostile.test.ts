import { expect } from 'chai'
import { applyPatch } from 'diff'
import { describe, it } from 'mocha'
import { parseManifests } from '../../../../webhook/src/cli/manifests/manifests.ts'
import { mappingsOf, objectsOf } from '../../../../webhook/src/cli/manifests/templates.ts'
import { DEPLOYMENT, runWith } from '../../../support/cli/files.ts'

/** A manifest that says nothing of ours, and with what it is made to cost. */
const COSTLY: Readonly<Record<string, string>> = {
  'a mapping of 30,000 keys': Array.from({ length: 30_000 }, (_, index) => `k${index}: 1\n`).join(''),
  'what is no number behind 100,000 underscores': `a: 0${'_'.repeat(100_000)}8\n`,
  'what is no exponent behind 100,000 underscores': `a: 1e${'_'.repeat(100_000)}x\n`,
  'a whole number of 4,000,000 digits': `a: ${'9'.repeat(4_000_000)}\n`,
  '100,000 lines without a value': `a: 1\n${'\n#\n'.repeat(50_000)}`,
  '2,000 aliases': Array.from({ length: 2_000 }, (_, index) => `a${index}: &x${index} 1\nb${index}: *x${index}\n`).join(''),
  'an alias next to 30,000 numbers below 400 lists': `a: &x 1\nb: *x\nc: ${'['.repeat(400)}${'1,'.repeat(30_000)}${']'.repeat(400)}\n`,
}

describe('a hostile manifest', () => {
  for (const [name, text] of Object.entries(COSTLY))
    it(`is read and written in a time that grows with its length: ${name}`, () => {
      expect(runWith({ a: text }, 'lint', '-f', 'a').status).to.equal(0)
      const { status, stdout } = runWith({ a: text }, 'inject', '-f', 'a', '-f', 'a')
      expect(status).to.equal(0)
      expect(stdout).to.include('\n---\n')
    })

  it('is written after another one, however many lines it begins with', () => {
    const blank = `${'\n'.repeat(60)}${'# a\n'.repeat(60)}`
    const { stdout } = runWith({ a: DEPLOYMENT, b: `${blank}a: 1\n`, c: `${blank}---\na: 1\n` }, 'inject', '-f', 'a', '-f', 'b', '-f', 'c')
    expect(stdout).to.match(/\n---\n\n{60}(?:# a\n){60}a: 1\n\n{60}(?:# a\n){60}---\na: 1\n$/)
  })

  it('is compared in a time that grows with its length: more lines that change than can be told apart', () => {
    for (const end of ['\n', '']) {
      const text = `odd:\n${Array.from({ length: 5_000 }, (_, index) => `  k${index}:   1\n`).join('')}${DEPLOYMENT}other: 1${end}`
      const { status, stdout } = runWith({ a: text }, 'inject', '-f', 'a', '--diff')
      expect(status).to.equal(0)
      expect(stdout).to.match(/^--- a\n\+\+\+ "?a \(injected\)"?\n@@ -1,\d+ \+1,\d+ @@\n-odd:\n/)
      expect(applyPatch(text, stdout)).to.equal(runWith({ a: text }, 'inject', '-f', 'a').stdout)
    }
  })

  it('is judged in a time that grows with its length: 60,000 annotations in the wrong place', () => {
    const wrong = Array.from({ length: 60_000 }, (_, index) => `    outbound-jwt.io/x${index}: '1'\n`).join('')
    const text = `apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations:\n${wrong}`
    const { status, stdout } = runWith({ a: text }, 'lint', '-f', 'a')
    expect(status).to.equal(1)
    expect(stdout).to.match(/^a:6: error: .*x0 /).and.to.match(/^a:60005: error: .*x59999 .*\n$/m)
  })

  it('is judged in as many characters as it has, some hundred times: long names, long places and many templates', () => {
    const wrong = Array.from({ length: 2_000 }, (_, index) => `    outbound-jwt.io/x${index}: '1'\n`).join('')
    const long = 'a'.repeat(100_000)
    const pods = '{spec: {containers: [{name: a}]}},'.repeat(3_000)
    for (const text of [
      `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${long}\n  annotations:\n${wrong}`,
      `apiVersion: x/v1\nkind: ${long}\nmetadata:\n  annotations:\n${wrong}`,
      `apiVersion: x/v1\nkind: A\nspec:\n  ? ${long}\n  :\n   annotations:\n${wrong}`,
      `apiVersion: x/v1\nkind: A\nspec: [${pods}]\nmetadata:\n  annotations:\n${wrong}`,
    ]) {
      const { stdout } = runWith({ a: text }, 'lint', '-f', 'a')
      expect(stdout.match(/outbound-jwt\.io\/x1999 at /g)).to.have.lengthOf(1)
      expect(stdout.length).to.be.below(2_000 * 2_000)
    }
  })

  it('is looked through without a path to each of 20,000 mappings below 480 lists', () => {
    const text = `apiVersion: x/v1\nkind: A\nmetadata: {labels: {a: b}}\nspec: ${'['.repeat(480)}${'{},'.repeat(20_000)}${']'.repeat(480)}\n`
    const [manifest] = parseManifests(text, 'a')
    const objects = objectsOf(manifest?.data)
    expect(objects.flatMap(mappingsOf).map(({ path }) => path)).to.deep.equal([['metadata']])
  })

  for (const text of ['a: &a [*a]\n', 'a: &a\n  b: {c: *a}\n', 'a: &a\n  <<: *a\n'])
    it(`that stands within itself is told so: ${JSON.stringify(text)}`, () => {
      for (const command of ['lint', 'inject']) {
        const { status, stderr } = runWith({ a: text }, command, '-f', 'a')
        expect([status, stderr]).to.deep.equal([
          64,
          `outbound-jwt: a:${text.split('\n').findIndex((line) => line.includes('*a')) + 1}: *a stands within &a, expected an alias outside of its anchor\n`,
        ])
      }
    })

  for (const text of ['{a: 1, b: 2, a: 3}', '{a: {1: x, 1: y}}', '- {"a": 1, a: 2}'])
    it(`that has a key twice is refused: ${text}`, () => {
      const { status, stderr } = runWith({ a: text }, 'lint', '-f', 'a')
      expect([status, stderr]).to.deep.equal([64, 'outbound-jwt: a:1: Map keys must be unique\n'])
    })
})
