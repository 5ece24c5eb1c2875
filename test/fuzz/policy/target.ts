import type { Problem } from '../../../proxy/src/contract.ts'
import { describeProblem } from '../../../proxy/src/contract.ts'
import { SettingsError } from '../../../proxy/src/runtime/index.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { parsePolicyRules } from '../../../webhook/src/injection/policy/rules.ts'
import { SETTINGS } from '../../support/injection/cases.ts'
import type { FuzzKind, FuzzTarget } from '../kind.ts'
import { createPolicyText } from './corpus.ts'
import { FILE, createLoader, startOnce } from './loader.ts'
import type { Asked, Rule } from './oracle.ts'
import { createAsked, isGranted, podOf, readRules } from './oracle.ts'

export interface PolicyCase {
  /** What the file holds next; null: it is gone. */
  readonly text: string | null
  readonly asked: readonly Asked[]
}

/** CPU time; a policy of this size takes a few milliseconds. */
const SLOW_MS = 2_000
const LINE = /^[\x20-\x7e]+: (?:is missing|got "[\x20-\x7e]*"), expected [\x20-\x7e]+$/
/** Before the first case of a run. */
const FIRST = 'rules: [{name: first, namespaces: [shop], hosts: [b.example], audiences: ["*"], sources: [aws]}]'

export const POLICY: FuzzKind<PolicyCase> = {
  name: 'policy',
  subject:
    'The file of a policy, generated and garbled, JSON and each style of YAML, replaced while the webhook follows it.',
  invariants: [
    'it is taken or refused, in less than two seconds of CPU time; a refusal names file, place, value and allowed form on one line of ASCII',
    'what is refused or gone leaves the policy before it in force, says so in the metric, and ends a webhook that would start with it',
    'a pod is injected if and only if one rule has all that it asks for, by another YAML parser and globs that are matched by trying',
  ],
  batch: 200,
  atOnce: 1,
  quick: 100,
  generate: (random) => ({
    text: random.chance(0.02) ? null : createPolicyText(random),
    asked: Array.from({ length: 8 }, () => createAsked(random)),
  }),
  open: (): Promise<FuzzTarget<PolicyCase>> => {
    const loader = createLoader(FIRST)
    const inject = createInjector(SETTINGS, () => loader.current())
    /** Of the policy in force; undefined where only the product reads it. */
    let inForce = readRules(FIRST)
    return Promise.resolve({
      attempt: async ({ text, asked }) => {
        const isTaken = text !== null && parse(text) === undefined
        const before = loader.current()
        await loader.replace(text)
        if ((await loader.isCurrent()) !== isTaken) throw new Error('the metric says otherwise')
        if (isTaken) inForce = readRules(text)
        else checkRefusal(text, loader.current() === before)
        const granted = inForce && checkGrants(asked, inForce)
        const outcome = isTaken ? 'in force' : 'refused'
        return granted === undefined ? `${outcome}, unread by the other parser` : `${outcome}, ${granted}`
      },
      afterBatch: () => Promise.resolve(),
      close: () => {
        loader.stop()
        return Promise.resolve()
      },
    })

    function checkGrants(asked: readonly Asked[], rules: readonly Rule[]): string {
      const granted = asked.filter((each) => {
        const { namespace } = each
        const decision = inject({ pod: podOf(each), mode: 'pod', operation: 'CREATE', namespace })
        const isDenied = decision.kind === 'deny' && decision.reason === 'policy-denied'
        if (!isDenied && decision.kind !== 'inject')
          throw new Error(`${JSON.stringify(each)} is answered with ${JSON.stringify(decision)}`)
        if (isDenied === isGranted(each, rules))
          throw new Error(`${JSON.stringify(each)} is ${isDenied ? 'denied' : 'granted'} by ${JSON.stringify(rules)}`)
        return !isDenied
      })
      return granted.length > 0 ? 'grants some' : 'grants none'
    }
  },
}

/** @returns what is wrong; undefined when it is taken. @throws when that takes long, or does not say what the author must know. */
function parse(text: string): readonly Problem[] | undefined {
  const problems: Problem[] = []
  const before = process.cpuUsage()
  const rules = parsePolicyRules(text, FILE, (problem) => problems.push(problem))
  const { user, system } = process.cpuUsage(before)
  if ((user + system) / 1000 > SLOW_MS) throw new Error(`took ${(user + system) / 1000} ms`)
  if ((rules === undefined) !== problems.length > 0) throw new Error(`taken and refused: ${JSON.stringify(problems)}`)
  for (const problem of problems) {
    const line = describeProblem(problem)
    if (!LINE.test(line) || !problem.where.startsWith(FILE)) throw new Error(`says too little: ${line}`)
  }
  return rules ? undefined : problems
}

function checkRefusal(text: string | null, isKept: boolean): void {
  if (!isKept) throw new Error('the policy before it is not in force any more')
  try {
    startOnce(text)
  } catch (error) {
    if (error instanceof SettingsError) return
    throw error
  }
  throw new Error('a webhook starts with it')
}
