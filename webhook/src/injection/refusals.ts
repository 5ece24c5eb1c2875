import type { Problem, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import type { RefusalReason } from './reasons.ts'

/** Collects everything that stands against an injection. */
export interface Refusals {
  /** Reports one problem of this reason. */
  readonly report: (reason: RefusalReason, problem: Problem) => void
  /** @returns a reporter for parsers that know nothing of reasons. */
  readonly as: (reason: RefusalReason) => Report
  /** In order of discovery, at most `MOST_PROBLEMS`. */
  readonly problems: readonly Problem[]
  /** The reason of the first problem. */
  readonly reason: () => RefusalReason | undefined
}

/** A hostile pod could earn thousands; nobody reads more than these. */
const MOST_PROBLEMS = 40
/** Names are not validated yet when we see them, so one may be as long as the request. */
const LONGEST = { where: 200, allowed: 1000 } as const

export function createRefusals(): Refusals {
  const problems: Problem[] = []
  let first: RefusalReason | undefined
  const report = (reason: RefusalReason, { where, value, allowed }: Problem): void => {
    first ??= reason
    if (problems.length < MOST_PROBLEMS)
      problems.push({ where: where.slice(0, LONGEST.where), value, allowed: allowed.slice(0, LONGEST.allowed) })
  }
  return {
    report,
    as: (reason) => (problem) => report(reason, problem),
    problems,
    reason: () => first,
  }
}
