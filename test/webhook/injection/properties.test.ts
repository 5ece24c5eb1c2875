// P1 to P9, over generated pods.
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { describeProblem } from '../../../proxy/src/contract.ts'
import type { Decision, Injector } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { askingPod, hostileJson, otherPod } from '../../support/injection/arbitraries.ts'
import { SETTINGS } from '../../support/injection/cases.ts'
import { fragmentsOf, withoutOurs } from '../../support/injection/fragments.ts'
import { defaulting } from '../../support/injection/mutations/defaulting.ts'
import { eksIrsa, eksOld, eksPodIdentity } from '../../support/injection/mutations/eks.ts'
import { ATTACKS } from '../../support/injection/mutations/attacks.ts'
import { istioClassic, istioNative, linkerdClassic, linkerdNative } from '../../support/injection/mutations/meshes.ts'
import type { Json } from '../../support/injection/object.ts'
import { restrictedViolations } from '../../support/injection/pod-security.ts'
import { podErrors } from '../../support/injection/pod-validation.ts'
import { applyPatch } from '../../support/json-patch.ts'

const RUNS = { numRuns: 600 }
const UNCHANGED = { kind: 'allow', reason: 'unchanged', warnings: [] }
const OTHERS = [eksIrsa, eksPodIdentity, istioClassic, istioNative, linkerdClassic, linkerdNative, defaulting]

const inject: Injector = createInjector({ ...SETTINGS, region: 'eu-west-1', imagePullSecrets: ['mirror'] })
const byNamespace: Injector = createInjector({ ...SETTINGS, defaults: { hosts: 'api.partner.example' } })
const decide = (pod: unknown): Decision => inject({ pod, mode: 'pod', operation: 'CREATE' })
const decideFor = (pod: unknown): Decision => byNamespace({ pod, mode: 'namespace', operation: 'CREATE' })

/** @returns the pod after the decision; as it was when there is no patch. */
function after(pod: Json, decision: Decision): Json {
  return decision.kind === 'inject' || decision.kind === 'repair' ? applyPatch(pod, decision.patch) : pod
}

/** Asserts something of every pod that is injected, by its own wish or its namespace's. */
function holdsForInjected(property: (pod: Json, injected: Json, how: (pod: unknown) => Decision) => void): void {
  let count = 0
  for (const [pods, how] of [
    [askingPod, decide],
    [otherPod, decideFor],
  ] as const) {
    fc.assert(
      fc.property(pods, (pod) => {
        const decision = how(pod)
        if (decision.kind !== 'inject') return
        count += 1
        property(pod, applyPatch(pod, decision.patch), how)
      }),
      RUNS,
    )
  }
  // A property of nothing would hold too.
  expect(count).to.be.at.least(RUNS.numRuns)
}

describe('every mutation', () => {
  it('P1 leaves every other path as it is, list entries in their order', () => {
    holdsForInjected((pod, injected) => {
      expect(withoutOurs(injected, pod, injected)).to.equal(withoutOurs(pod, pod, injected))
    })
  })

  it('P2 is idempotent', () => {
    holdsForInjected((_, injected, how) => {
      expect(how(injected)).to.deep.equal(UNCHANGED)
    })
  })

  it('P3 adds the same, whether another injector ran before, after, or both', () => {
    const other = fc.constantFrom(...OTHERS)
    let compared = 0
    fc.assert(
      fc.property(askingPod, other, (pod, change) => {
        const alone = decide(pod)
        const before = decide(change(pod))
        expect(before.kind).to.equal(alone.kind)
        if (alone.kind !== 'inject') return
        compared += 1
        const wanted = fragmentsOf(after(pod, alone), pod)
        const changedBefore = after(change(pod), before)
        expect(fragmentsOf(changedBefore, pod), 'before').to.deep.equal(wanted)
        expect(fragmentsOf(change(after(pod, alone)), pod), 'after').to.deep.equal(wanted)
        expect(fragmentsOf(change(changedBefore), pod), 'both').to.deep.equal(wanted)
        for (const result of [change(after(pod, alone)), change(changedBefore)])
          expect(decide(result)).to.deep.equal(UNCHANGED)
      }),
      RUNS,
    )
    // About half of the pods that ask are injected, others refused.
    expect(compared).to.be.at.least(RUNS.numRuns / 4)
  })

  it('P3 repairs what an injector with old types dropped, and nothing else', () => {
    holdsForInjected((pod, injected, how) => {
      const stripped = eksOld(injected)
      const repair = how(stripped)
      expect(repair.kind).to.equal('repair')
      expect(fragmentsOf(after(stripped, repair), pod)).to.deep.equal(fragmentsOf(injected, pod))
    })
  })

  it('P4 passes the restricted Pod Security Standard where the pod did', () => {
    holdsForInjected((pod, injected) => {
      expect(restrictedViolations(injected)).to.have.members(restrictedViolations(pod))
    })
  })

  it('P5 happens to no pod that did not ask', () => {
    fc.assert(
      fc.property(otherPod, (pod) => {
        expect(decide(pod)).to.deep.equal({ kind: 'allow', reason: 'not-requested', warnings: [] })
      }),
      RUNS,
    )
  })

  it('P5 refuses no pod whose namespace asked', () => {
    fc.assert(
      fc.property(otherPod, (pod) => decideFor(pod).kind !== 'deny'),
      RUNS,
    )
  })

  it('P6 uses no name, port or path twice, and is as valid as the pod was', () => {
    holdsForInjected((pod, injected) => {
      expect(podErrors(injected)).to.have.members(podErrors(pod))
    })
  })

  it('P7 is refused with the place, the value and the allowed form', () => {
    let refused = 0
    fc.assert(
      fc.property(askingPod, (pod) => {
        const decision = decide(pod)
        if (decision.kind !== 'deny') return
        refused += 1
        for (const problem of decision.problems) {
          expect(problem.where).to.match(/^(?:outbound-jwt\.io\/|spec\.)/)
          expect(problem.allowed).not.to.equal('')
          expect(describeProblem(problem)).to.match(
            /^[\x20-\x7e]+: (?:is missing|got "[\x20-\x7e]*"), expected [\x20-\x7e]+$/,
          )
        }
      }),
      RUNS,
    )
    expect(refused).to.be.at.least(RUNS.numRuns / 20)
  })

  it('P8 is the same, byte for byte, for the same pod', () => {
    fc.assert(
      fc.property(askingPod, (pod) => {
        expect(JSON.stringify(decide(structuredClone(pod)))).to.equal(JSON.stringify(decide(pod)))
      }),
      RUNS,
    )
  })
})

describe('an injected pod that somebody changes', () => {
  for (const [name, attack] of Object.entries(ATTACKS)) {
    it(`P9 is refused or repaired, never taken as it is: ${name}`, () => {
      let attacked = 0
      // One pod in eight has its partners in the hosts file; too few are injected to be found by chance.
      const arbitrary = ON_HOSTS_FILE.has(name) ? askingPod.filter(isSteered) : askingPod
      const pods = fc.property(arbitrary, (pod) => {
        const decision = decide(pod)
        if (decision.kind !== 'inject' || isFull(decision.warnings)) return
        const injected = applyPatch(pod, decision.patch)
        const changed = structuredClone(injected)
        if (!attack(changed) || isUnaffected(injected, changed)) return
        attacked += 1
        const answer = decide(changed)
        if (answer.kind === 'deny') return
        if (answer.kind !== 'repair') expect.fail(JSON.stringify(answer))
        const repaired = after(changed, answer)
        // What an author allows to others is told; everything else is as it was.
        if (answer.warnings.length === 0) expect(named(repaired, pod)).to.deep.equal(named(injected, pod))
        expect(decide(repaired)).to.deep.equal(UNCHANGED)
      })
      fc.assert(pods, { numRuns: name.includes('partner') ? 150 : 25 })
      expect(attacked).to.be.at.least(1)
    })
  }
})

/** Attacks that change it. */
const ON_HOSTS_FILE = new Set(['no hosts of partners', 'another address of a partner'])
const isSteered = (pod: unknown): boolean => JSON.stringify(pod).includes('"outbound-jwt.io/steering":"hosts"')

/** A status holds sixteen warnings; what comes on top of them cannot be told from what was left out. */
const isFull = (warnings: readonly string[]): boolean => warnings.length === 16

const isUnaffected = (injected: Json, changed: Json): boolean => JSON.stringify(injected) === JSON.stringify(changed)

/** Lists as sets: what comes back stands at another place, and what came twice is twice ours. */
function named(pod: Json, submitted: Json): unknown {
  return JSON.parse(JSON.stringify(fragmentsOf(pod, submitted)), (_, value: unknown) =>
    Array.isArray(value) ? [...new Set(value.map((entry) => JSON.stringify(entry)))].sort() : value,
  )
}

describe('a hostile pod', () => {
  const paths = fc.array(
    fc.constantFrom(
      'metadata',
      'annotations',
      'spec',
      'containers',
      'initContainers',
      'env',
      'ports',
      'volumes',
      '0',
      '1',
    ),
    { minLength: 1, maxLength: 6 },
  )

  it('gets a decision, whatever it holds and wherever', () => {
    fc.assert(
      fc.property(askingPod, paths, hostileJson, fc.boolean(), (pod, path, value, isByNamespace) => {
        const hostile = structuredClone(pod)
        plant(hostile, path, value)
        const decision = isByNamespace ? decideFor(hostile) : decide(hostile)
        after(hostile, decision)
      }),
      { numRuns: 2000 },
    )
  })

  it('gets one for annotations of every kind', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), hostileJson), askingPod, (values, pod) => {
        const keys = Object.entries(values).map(([key, value]) => [`outbound-jwt.io/${key}`, value])
        const hostile = {
          ...pod,
          metadata: { annotations: Object.fromEntries([...keys, ['outbound-jwt.io/inject', 'true']]) as Json },
        }
        expect(['deny', 'inject']).to.include(decide(hostile).kind)
      }),
      RUNS,
    )
  })

  it('leaves the prototypes of this process alone', () => {
    expect(({} as Json)['containers']).to.equal(undefined)
    expect(Object.keys(Object.prototype)).to.deep.equal([])
  })
})

/** Puts a value where a path leads, or as far as it leads. */
function plant(root: Json, [first, ...rest]: readonly string[], value: unknown): void {
  if (first === undefined) return
  const child = Object.hasOwn(root, first) ? root[first] : undefined
  if (rest.length > 0 && typeof child === 'object' && child !== null) plant(child as Json, rest, value)
  else root[first] = value
}
