import type { Problem, Report } from '../../../proxy/src/contract.ts'
import { describeProblem } from '../../../proxy/src/contract.ts'

/** @returns what a parser made of an input, and its complaints as an author reads them. */
export function collect<T>(parse: (report: Report) => T): {
  readonly value: T
  readonly complaints: readonly string[]
} {
  const problems: Problem[] = []
  const value = parse((problem) => problems.push(problem))
  return { value, complaints: problems.map(describeProblem) }
}
