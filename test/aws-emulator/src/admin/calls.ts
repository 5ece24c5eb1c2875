import type { FaultKind } from '../faults/fault.ts'

/** One call, as `/_admin/calls` and tests see it. SECURITY: no token, key or signature. */
export interface RecordedCall {
  /** An STS or IAM action, or one of `Discovery`, `Jwks`, `PodIdentity`. */
  readonly action: string
  /** 0 when there was no answer. */
  readonly status: number
  /** Wire code of the error, or `ok`; without an answer the kind of the fault. */
  readonly outcome: string
  readonly fault: FaultKind | null
  readonly audiences: readonly string[]
  readonly durationSeconds: string | null
  readonly roleArn: string | null
  readonly sessionName: string | null
}

export interface CallLog {
  record(call: RecordedCall): void
  /** The last calls, oldest first. */
  list(): readonly RecordedCall[]
  clear(): void
}

/** Calls remembered; a long test in a cluster makes more than memory should hold. */
const LIMIT = 100_000

export function createCallLog(): CallLog {
  let calls: RecordedCall[] = []
  return {
    record: (call) => {
      if (calls.length >= LIMIT) calls = calls.slice(LIMIT / 10)
      calls.push(call)
    },
    list: () => calls,
    clear: () => {
      calls = []
    },
  }
}
