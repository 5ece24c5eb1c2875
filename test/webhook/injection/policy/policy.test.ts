import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { compileGlob } from '../../../../webhook/src/injection/policy/glob.ts'
import { createPolicy } from '../../../../webhook/src/injection/policy/policy.ts'
import type { GrantedItem, Policy } from '../../../../webhook/src/injection/policy/policy.ts'
import type { PolicyRule } from '../../../../webhook/src/injection/policy/rules.ts'
import { costOf } from '../../../support/cost.ts'

const patterns = fc.array(fc.constantFrom('a', 'b', 'a.a', '*', '*.a', 'a*', 'b.*a'), { maxLength: 3 })
const rules: fc.Arbitrary<readonly PolicyRule[]> = fc.array(
  fc.record({
    name: fc.string(),
    namespaces: patterns,
    hosts: patterns,
    audiences: patterns,
    roleArns: patterns,
    sources: patterns,
    exchanges: patterns,
    https: patterns,
  }),
  { maxLength: 4 },
)
const texts = fc.constantFrom('a', 'b', 'a.a', 'b.a', 'c')
const items: fc.Arbitrary<readonly GrantedItem[]> = fc.array(
  fc.record({ list: fc.constantFrom('hosts', 'audiences', 'sources'), value: texts }),
  { maxLength: 3 },
)

const matches = (globs: readonly string[], text: string): boolean => globs.some((glob) => compileGlob(glob)(text))

describe('what a policy grants', () => {
  it('is what the rules of a namespace say one after the other, whoever asked before', () => {
    const questions = fc.array(fc.record({ namespace: texts, asked: items }), { maxLength: 6 })
    fc.assert(
      fc.property(rules, questions, (all, several) => {
        const policy = createPolicy(all)
        for (const { namespace, asked } of several) {
          const own = all.filter(({ namespaces }) => matches(namespaces, namespace))
          const grants = policy.grantsOf(namespace)
          expect(grants.rules).to.deep.equal(own)
          expect(grants.isGrantedWhole(asked)).to.equal(
            own.some((rule) => asked.every(({ list, value }) => matches(rule[list], value))),
          )
          for (const item of asked)
            expect(grants.isGranted(item)).to.equal(own.some((rule) => matches(rule[item.list], item.value)))
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('is found without a look at the rules of all other namespaces', () => {
    const ruleOf = (index: number): PolicyRule => ({
      name: `r${index}`,
      namespaces: [`ns-${index}`],
      hosts: ['*.svc.example'],
      audiences: [`a${index}`],
      roleArns: [],
      sources: ['aws'],
      exchanges: [],
      https: [],
    })
    const all = Array.from({ length: 5000 }, (_, index) => ruleOf(index))
    const hosts = Array.from({ length: 600 }, (_, index) => `h${index}.svc.example`)
    const ask = (policy: Policy, audience: string): number => {
      const { isGrantedWhole } = policy.grantsOf('ns-4999')
      const isGranted = (value: string): boolean =>
        isGrantedWhole([
          { list: 'hosts', value },
          { list: 'audiences', value: audience },
        ])
      return hosts.filter(isGranted).length
    }
    const [many, one] = [createPolicy(all), createPolicy(all.slice(-1))]
    for (const [audience, granted] of [
      ['a4999', 600],
      ['a0', 0],
    ] as const) {
      expect([ask(many, audience), ask(one, audience)]).to.deep.equal([granted, granted])
      // Generous: where all rules are walked, it takes hundreds of times as long.
      expect(costOf(() => ask(many, audience))).to.be.below(20 * costOf(() => ask(one, audience)))
    }
  })
})
