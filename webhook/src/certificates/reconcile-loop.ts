import { backoffMs } from '@aws-outbound-jwt-injector/proxy/runtime'
import { KubeError } from '../kube/failure.ts'
import type { Reconciler, ReconcilerState } from './reconciler.ts'
import type { ProblemReporter } from './problems.ts'
import { CertificateProblem } from './problems.ts'

export interface ReconcileLoopDeps {
  readonly reconciler: Reconciler
  /** Called after every success. */
  readonly onState: (state: ReconcilerState) => void
  readonly problems: ProblemReporter
  /** Looks again this long after a success, whatever the watch says. */
  readonly tickMs: number
  /** From 0 to 1. */
  readonly random: () => number
}

export interface ReconcileLoop {
  /** Looks soon. Any number of calls during a look mean one more look. */
  trigger(): void
  stop(): void
}

const FIRST_RETRY_MS = 200
const LONGEST_RETRY_MS = 30_000

/** Runs a reconciler for ever: on every trigger, on every tick, and again after a failure, never twice at once. */
export function startReconcileLoop({
  reconciler,
  onState,
  problems,
  tickMs,
  random,
}: ReconcileLoopDeps): ReconcileLoop {
  let timer: NodeJS.Timeout | undefined
  let running = false
  let triggered = false
  let stopped = false
  let failures = 0

  const schedule = (delayMs: number): void => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(look, delayMs)
  }

  async function once(): Promise<number> {
    try {
      const state = await reconciler.reconcile()
      failures = 0
      problems.recovered()
      onState(state)
      return tickMs
    } catch (error) {
      failures += 1
      // Losing a compare-and-swap is how replicas take turns, and says that there is something new to read.
      if (!isConflict(error)) report(error)
      return backoffMs({ firstMs: FIRST_RETRY_MS, longestMs: Math.min(tickMs, LONGEST_RETRY_MS) }, failures, random())
    }
  }

  function look(): void {
    if (running) {
      triggered = true
      return
    }
    running = true
    triggered = false
    void once().then((delayMs) => {
      running = false
      schedule(triggered && failures === 0 ? 0 : delayMs)
    })
  }

  function report(error: unknown): void {
    if (error instanceof CertificateProblem) problems.report(error.code, error.message)
    else if (error instanceof KubeError) problems.report(problemOf(error), error.message)
    else throw error
  }

  look()
  return {
    trigger: look,
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}

const isConflict = (error: unknown): boolean => error instanceof KubeError && error.code === 'conflict'

/** The one object that must exist before us is the configuration; a missing Secret is made. */
function problemOf({ code }: KubeError): CertificateProblem['code'] {
  if (code === 'not-found') return 'configuration-missing'
  return code === 'conflict' ? 'unavailable' : code
}
