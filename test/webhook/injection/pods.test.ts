import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { applyPatch } from '../../support/json-patch.ts'
import { readCases, readYaml } from '../../support/injection/cases.ts'
import { expectedOf, formatExpected } from '../../support/injection/expected.ts'
import { defaulting } from '../../support/injection/mutations/defaulting.ts'
import { eksIrsa, eksOld, eksPodIdentity } from '../../support/injection/mutations/eks.ts'
import { istioClassic, istioNative, linkerdClassic, linkerdNative } from '../../support/injection/mutations/meshes.ts'
import { restrictedViolations } from '../../support/injection/pod-security.ts'
import { podErrors } from '../../support/injection/pod-validation.ts'

const OTHERS = { eksIrsa, eksPodIdentity, istioClassic, istioNative, linkerdClassic, linkerdNative, defaulting }
const UNCHANGED = { kind: 'allow', reason: 'unchanged', warnings: [] }

describe('pods', () => {
  const cases = readCases()

  it('are at least sixty, under names that say what they show', () => {
    expect(cases.length).to.be.at.least(60)
    for (const { name } of cases) expect(name).to.match(/^[a-z0-9]+(-[a-z0-9]+)*$/)
  })

  for (const { name, pod, decide, expectedFile } of cases) {
    const decision = decide(pod)

    it(`${name}: becomes what expected.yaml says`, () => {
      const actual = expectedOf(pod, decision)
      expect(actual).to.deep.equal(readYaml(expectedFile))
      expect(formatExpected(actual)).to.equal(readFileSync(expectedFile, 'utf8'))
    })

    if (decision.kind === 'allow' || decision.kind === 'deny') continue
    const injected = applyPatch(pod, decision.patch)

    it(`${name}: is as valid and as restricted as it was`, () => {
      for (const problems of [podErrors, restrictedViolations])
        if (decision.kind === 'repair') expect(problems(pod)).to.include.members(problems(injected))
        else expect(problems(injected)).to.deep.equal(problems(pod))
    })

    it(`${name}: is left alone from then on, whoever else changes it`, () => {
      expect(decide(injected)).to.deep.equal(UNCHANGED)
      for (const [other, change] of Object.entries(OTHERS)) {
        const changed = change(injected)
        // A mesh that the operator took off the list is an application like any other, whenever it comes.
        if (name === 'operator-settings' && /Classic|Native/.test(other))
          expect(['allow', 'repair']).to.include(decide(changed).kind)
        else expect(decide(changed), other).to.deep.equal(UNCHANGED)
        expect(podErrors(changed), other).to.deep.equal(podErrors(injected))
      }
    })

    it(`${name}: is repaired after an injector that does not know native sidecars`, () => {
      const stripped = eksOld(injected)
      const repair = decide(stripped)
      if (repair.kind !== 'repair') expect.fail(JSON.stringify(repair))
      const repaired = applyPatch(stripped, repair.patch)
      expect(decide(repaired)).to.deep.equal(UNCHANGED)
    })
  }
})
