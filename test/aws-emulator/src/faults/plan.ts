import type { Fault, FaultMatch } from './fault.ts'
import { parseFaults } from './parse.ts'

/** The request that a fault may hit. */
export interface FaultTarget {
  readonly operation: string
  readonly audiences: readonly string[]
  readonly roleArn: string | null
  readonly sessionName: string | null
}

export interface FaultPlan {
  /** Replaces all faults. @throws TypeError that names what is wrong with them. */
  set(faults: unknown): void
  /** Those that can still hit, with what is left of their counts. */
  list(): readonly Fault[]
  /** The first fault that hits the request; it counts as used. */
  take(target: FaultTarget): Fault | undefined
}

interface Planned {
  readonly fault: Fault
  readonly endsAt: number
  left: number
}

/** @param now milliseconds. */
export function createFaultPlan(now: () => number): FaultPlan {
  let planned: readonly Planned[] = []
  const live = (): readonly Planned[] => planned.filter(({ left, endsAt }) => left > 0 && now() < endsAt)
  return {
    set: (faults) => {
      planned = parseFaults(faults).map((fault) => ({
        fault,
        left: fault.count ?? Infinity,
        endsAt: fault.forSeconds === undefined ? Infinity : now() + fault.forSeconds * 1000,
      }))
    },
    list: () => live().map(({ fault, left }) => (fault.count === undefined ? fault : { ...fault, count: left })),
    take: (target) => {
      const hit = live().find(({ fault }) => hits(fault, target))
      if (hit) hit.left -= 1
      return hit?.fault
    },
  }
}

function hits({ operation, match = {} }: Fault, target: FaultTarget): boolean {
  return (operation === undefined || operation === target.operation) && matches(match, target)
}

function matches({ audience, roleArn, sessionName }: FaultMatch, target: FaultTarget): boolean {
  return (
    (audience === undefined || target.audiences.includes(audience)) &&
    (roleArn === undefined || roleArn === target.roleArn) &&
    (sessionName === undefined || sessionName === target.sessionName)
  )
}
