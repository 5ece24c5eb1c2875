import { describeProblem, printable } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Decision, Injector } from '../decide.ts'
import type { RequestedBy } from '../intent.ts'
import { MOST_WARNINGS, warningLine } from '../outcome.ts'
import { isObject, textAt } from '../pod/json.ts'
import type { Mapping } from './misplaced.ts'
import { annotationPlaces, misplacedIn, ofKubernetes } from './misplaced.ts'
import type { Path } from './path.ts'
import { follow, templatePath } from './path.ts'

/** A workload as it is admitted. */
export interface WorkloadRequest {
  /** As JSON gives it; never changed. */
  readonly workload: unknown
  /** Who asks for its pods: their own annotations, or the label of their namespace. */
  readonly mode: RequestedBy
  readonly namespace: string
}

/** @returns what the author of a workload should know, each one line of ASCII, at most 16; a refusal of its pods in full, others at most 256 bytes. Never throws. */
export type WorkloadWarner = (request: WorkloadRequest) => readonly string[]

/**
 * Creates what tells the author of a workload now what would become of its pods later, where only a controller hears it. The decision on
 * the pods is that of their own admission. What an injection adds only then, such as credentials from EKS's hook, is not missed here.
 */
export function createWorkloadWarner(inject: Injector): WorkloadWarner {
  return ({ workload, mode, namespace }) => {
    if (!isObject(workload)) return []
    const template = templatePath(textAt(workload, 'kind') ?? '')
    if (!template) return []
    const mappings = metadataPaths(template).map((path): Mapping => ({ path, mapping: follow(workload, path) }))
    const misplaced = misplacedIn(mappings, [template], ofKubernetes(annotationPlaces([template])))
    const decision = inject({ pod: follow(workload, template), mode, operation: 'CREATE', namespace })
    return [...misplaced.map(({ message }) => warningLine(message)), ...told(decision)].slice(0, MOST_WARNINGS)
  }
}

/** @returns the metadata of the workload, of its pods, and of what is in between: the Job of a CronJob. */
function metadataPaths(template: Path): readonly Path[] {
  const between = template.flatMap((key, index) => (key === 'spec' && index > 0 ? [template.slice(0, index)] : []))
  return [[], ...between, template].map((path) => [...path, 'metadata'])
}

function told(decision: Decision): readonly string[] {
  if (decision.kind !== 'deny') return decision.warnings
  return decision.problems.map((problem) => printable(`its pods will be refused: ${describeProblem(problem)}`))
}
