import { stringify } from 'yaml'
import { describeProblem } from '../../../proxy/src/contract.ts'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { applyPatch } from '../json-patch.ts'

/** A decision as `expected.yaml` has it: the pod as a whole instead of its patch, problems as authors read them. */
export interface Expected {
  readonly decision: Decision['kind']
  readonly reason: string
  readonly warnings?: readonly string[]
  readonly problems?: readonly string[]
  /** Absent when the pod stays as it is, or is refused. */
  readonly pod?: unknown
}

export function expectedOf(submitted: unknown, decision: Decision): Expected {
  const { kind, reason } = decision
  if (decision.kind === 'deny') return { decision: kind, reason, problems: decision.problems.map(describeProblem) }
  const warnings = decision.warnings.length > 0 ? { warnings: decision.warnings } : {}
  const pod = decision.kind === 'allow' ? {} : { pod: applyPatch(submitted, decision.patch) }
  return { decision: kind, reason, ...warnings, ...pod }
}

export function formatExpected(expected: Expected): string {
  return stringify(expected, { lineWidth: 0, singleQuote: true, aliasDuplicateObjects: false })
}
