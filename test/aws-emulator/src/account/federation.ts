/** Outbound identity federation of the account: IAM changes it at once, STS sees the change later. */
export interface Federation {
  /** As IAM has it. */
  enabled(): boolean
  set(enabled: boolean): void
  /** Puts IAM and STS into one state, at once. */
  settle(enabled: boolean): void
  /** As STS has it; `failing` for every third call while an enablement is on its way, as was captured of AWS. */
  seenBySts(): 'enabled' | 'disabled' | 'failing'
}

/** @param now milliseconds. @param propagationSeconds how long a change takes to reach STS. */
export function createFederation(now: () => number, propagationSeconds: () => number): Federation {
  let current = true
  let changedAt = -Infinity
  let unsettledCalls = 0
  return {
    enabled: () => current,
    set: (enabled) => {
      if (enabled === current) return
      current = enabled
      changedAt = now()
      unsettledCalls = 0
    },
    settle: (enabled) => {
      current = enabled
      changedAt = -Infinity
    },
    seenBySts: () => {
      if (now() >= changedAt + propagationSeconds() * 1000) return current ? 'enabled' : 'disabled'
      if (!current) return 'enabled'
      unsettledCalls += 1
      return unsettledCalls % 3 === 0 ? 'failing' : 'disabled'
    },
  }
}
