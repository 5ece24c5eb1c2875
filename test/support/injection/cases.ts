import { readFileSync, readdirSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { Decision, Injector } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import type { InjectionSettings } from '../../../webhook/src/injection/settings.ts'
import { createPolicy } from '../../../webhook/src/injection/policy/policy.ts'
import type { Policy } from '../../../webhook/src/injection/policy/policy.ts'
import { parsePolicyRules } from '../../../webhook/src/injection/policy/rules.ts'
import { INJECTION_DEFAULTS } from '../../../webhook/src/injection/settings.ts'

/** The operator of every case, but for what its `operator.yaml` changes. */
export const SETTINGS: InjectionSettings = {
  ...INJECTION_DEFAULTS,
  version: '1.2.3',
  image: 'registry.example/proxy:1',
}

/** What `operator.yaml` may change: who asked, for which operation, and the settings. */
interface Operator {
  readonly mode?: 'pod' | 'namespace'
  readonly operation?: string
  readonly settings?: Partial<InjectionSettings>
  readonly namespace?: string
  /** Rules of a policy. */
  readonly policy?: readonly object[]
}

/** One folder of test/fixtures/pods: what an author submits, and what becomes of it. */
export interface PodCase {
  readonly name: string
  /** As submitted. */
  readonly pod: unknown
  /** Decides on any pod as the operator of this case would. */
  readonly decide: (pod: unknown) => Decision
  readonly expectedFile: string
}

const FOLDER = 'test/fixtures/pods'
const FILES = ['expected.yaml', 'operator.yaml', 'pod.yaml']

/** @returns every case, found by walking. @throws for a file that nothing reads. */
export function readCases(): readonly PodCase[] {
  return readdirSync(FOLDER).sort().map(readCase)
}

function readCase(name: string): PodCase {
  const folder = `${FOLDER}/${name}`
  const files = readdirSync(folder)
  const orphans = files.filter((file) => !FILES.includes(file))
  if (orphans.length > 0) throw new Error(`${folder}: nothing reads ${orphans.join(', ')}`)
  const operator = files.includes('operator.yaml') ? (readYaml(`${folder}/operator.yaml`) as Operator) : {}
  const { mode = 'pod', operation = 'CREATE', namespace = 'shop', settings } = operator
  const policy = operator.policy && policyOf(operator.policy)
  const inject: Injector = createInjector({ ...SETTINGS, ...settings }, () => policy)
  return {
    name,
    pod: readYaml(`${folder}/pod.yaml`),
    decide: (pod) => inject({ pod, mode, operation, namespace }),
    expectedFile: `${folder}/expected.yaml`,
  }
}

/** @returns a policy of these rules. @throws for a rule that is wrong. */
export function policyOf(rules: readonly object[]): Policy {
  const parsed = parsePolicyRules(JSON.stringify({ rules }), 'policy', (problem) => {
    throw new Error(JSON.stringify(problem))
  })
  return createPolicy(parsed ?? [])
}

export function readYaml(path: string): unknown {
  const document = parseDocument(readFileSync(path, 'utf8'))
  if (document.errors[0]) throw new Error(`${path}: ${document.errors[0].message}`)
  return document.toJS()
}
