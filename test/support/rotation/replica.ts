import { mintCertificate, SUBJECT } from '../../../webhook/src/certificates/certificate.ts'
import type { Certificate } from '../../../webhook/src/certificates/anchors.ts'
import type { Reconciler } from '../../../webhook/src/certificates/reconciler.ts'
import { createReconciler } from '../../../webhook/src/certificates/reconciler.ts'
import type { Lifetimes } from '../../../webhook/src/certificates/rotation.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import type { FakeApi } from './api.ts'
import { resourcesOf } from './api.ts'
import type { Scheduler } from './scheduler.ts'

export interface ReplicaDeps {
  readonly api: FakeApi
  readonly scheduler: Scheduler
  readonly random: () => number
  readonly lifetimes: Lifetimes
  /** How far its wall clock is from the true time, milliseconds. */
  readonly skewMs: number
  /** How long until it looks again by itself. */
  readonly tickMs: () => number
  readonly onMinted: () => void
}

/** The real reconciler, with the times of a network and of a clock of its own. */
export interface SimulatedReplica {
  readonly served: Certificate | undefined
  /** A watch event. */
  trigger(): void
  /** Makes the next call take this long. */
  stallNext(ms: number): void
  stop(): void
}

const SLOWEST_CALL_MS = 400

export function startReplica(deps: ReplicaDeps): SimulatedReplica {
  const { api, scheduler, random } = deps
  const boot = scheduler.now
  let served: Certificate | undefined
  let stallMs = 0
  let stopped = false
  let running = false
  let again = false

  const transport = async <T>(effect: () => T): Promise<T> => {
    const stalled = stallMs
    stallMs = 0
    await scheduler.sleep(random() * SLOWEST_CALL_MS + stalled)
    if (stopped) return new Promise<never>(() => undefined)
    const result = effect()
    await scheduler.sleep(random() * SLOWEST_CALL_MS)
    return result
  }
  const reconciler: Reconciler = createReconciler({
    ...resourcesOf(api, transport),
    mint: (wish) => scheduler.external(mintCertificate(wish)),
    clock: { now: () => scheduler.now + deps.skewMs, elapsed: () => scheduler.now - boot },
    hosts: ['127.0.0.1'],
    subject: SUBJECT,
    lifetimes: deps.lifetimes,
    jitter: random(),
    observer: {
      minted: deps.onMinted,
      broken: () => undefined,
      published: () => undefined,
      untrusted: () => undefined,
    },
  })

  async function look(): Promise<void> {
    if (stopped) return
    again = running
    if (running) return
    running = true
    const retryMs = await reconciler.reconcile().then(
      (state) => {
        served = state.served
        return undefined
      },
      (error: unknown) => {
        if (error instanceof KubeError && error.code === 'conflict') return random() * SLOWEST_CALL_MS
        throw error
      },
    )
    running = false
    schedule(again ? 0 : (retryMs ?? deps.tickMs()))
  }
  let generation = 0
  const schedule = (ms: number): void => {
    generation += 1
    const mine = generation
    scheduler.at(scheduler.now + ms, () => {
      if (mine === generation) void look()
    })
  }

  void look()
  return {
    get served() {
      return stopped ? undefined : served
    },
    trigger: () => schedule(random() * SLOWEST_CALL_MS),
    stallNext: (ms) => {
      stallMs = ms
    },
    stop: () => {
      stopped = true
    },
  }
}
