import type { Problem } from '../../../proxy/src/contract.ts'
import { describeProblem } from '../../../proxy/src/contract.ts'

const LINE = /^[\x20-\x7e]+: (?:is missing|got "[\x20-\x7e]*"), expected [\x20-\x7e]+$/
const PREFIX = 'outbound-jwt.io/'

/** Checks that an author can act on each problem. @throws when not. */
export function checkProblems(problems: readonly Problem[], annotations: Readonly<Record<string, string>>): void {
  if (problems.length === 0) throw new Error('refused without a reason')
  for (const problem of problems) {
    const line = describeProblem(problem)
    if (!LINE.test(line)) throw new Error(`not a line of ASCII with place, value and form: ${line}`)
    if (!isPlace(problem, annotations)) throw new Error(`names a place that the pod does not have: ${line}`)
  }
}

/** An annotation of the pod, a part of one, one that is missing, or a field of the pod. */
function isPlace({ where, value }: Problem, annotations: Readonly<Record<string, string>>): boolean {
  if (where.startsWith('spec.')) return true
  if (!where.startsWith(PREFIX)) return false
  return value === undefined || Object.keys(annotations).some((name) => where.startsWith(name.slice(0, where.length)))
}
