import { parseBundle } from '../../../webhook/src/certificates/anchors.ts'
import type { Lifetimes } from '../../../webhook/src/certificates/rotation.ts'
import type { FakeApi } from './api.ts'
import { createFakeApi } from './api.ts'
import type { SimulatedReplica } from './replica.ts'
import { startReplica } from './replica.ts'
import type { Scheduler } from './scheduler.ts'
import { createScheduler } from './scheduler.ts'

export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR

/** One thing that goes wrong. */
export type Fault =
  'restart' | 'rolling-restart' | 'delete-secret' | 'delete-secret-and-restart' | 'wipe-bundle' | 'break-key' | 'stall'

export interface SimulationOptions {
  readonly days: number
  readonly replicas: number
  /** API servers; each sees a change this late at most. */
  readonly observers: number
  readonly latestMs: number
  readonly lifetimes: Lifetimes
  readonly faults: readonly Fault[]
  /** One fault every so many days. */
  readonly faultEveryDays: number
  readonly random: () => number
}

export interface SimulationResult {
  /** Instants at which a replica served what an API server did not trust. */
  readonly violations: readonly string[]
  readonly checks: number
  readonly minted: number
  readonly faults: number
  readonly mostStored: number
}

/** After a change replicas look often; otherwise virtual time would be spent on looks that find nothing. */
const BUSY_MS = 20 * MINUTE
const QUIET_TICK_MS = 8 * DAY
const TICKS_PER_DELAY = 4
const MOST_SKEW_MS = HOUR

export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { random, lifetimes } = options
  const start = Date.UTC(2030, 0, 1)
  const scheduler = createScheduler(start)
  const api = createFakeApi()
  const violations: string[] = []
  const replicas: SimulatedReplica[] = []
  let busyUntil = start + BUSY_MS
  let minted = 0
  let checks = 0
  let faults = 0
  let mostStored = 0

  const busy = (): void => {
    busyUntil = scheduler.now + BUSY_MS
  }
  const boot = (index: number): void => {
    replicas[index]?.stop()
    replicas[index] = startReplica({
      api,
      scheduler,
      random,
      lifetimes,
      skewMs: (random() * 2 - 1) * MOST_SKEW_MS,
      tickMs: () =>
        scheduler.now < busyUntil ? lifetimes.publicationDelayMs / TICKS_PER_DELAY : QUIET_TICK_MS * random(),
      onMinted: () => {
        minted += 1
      },
    })
    busy()
  }
  const observers = watchers(options, scheduler, api)
  const onConfiguration = api.onConfiguration
  api.onConfiguration = (bundle) => {
    onConfiguration(bundle)
    busy()
    for (const replica of replicas) replica.trigger()
  }
  const triggerAll = (): void => {
    busy()
    // Without a watch on the Secret, a tick finds the change.
    for (const replica of replicas)
      scheduler.at(scheduler.now + (random() * lifetimes.publicationDelayMs) / TICKS_PER_DELAY, () => replica.trigger())
  }
  const victim = (): number => Math.floor(random() * options.replicas)
  const inject: Readonly<Record<Fault, () => void>> = {
    restart: () => boot(victim()),
    'rolling-restart': () =>
      replicas.forEach((_, index) => scheduler.at(scheduler.now + index * 20_000, () => boot(index))),
    'delete-secret': () => {
      api.secret = undefined
      triggerAll()
    },
    'delete-secret-and-restart': () => {
      api.secret = undefined
      triggerAll()
      boot(victim())
    },
    'wipe-bundle': () => api.editBundle(''),
    'break-key': () => {
      breakKey(api)
      triggerAll()
    },
    stall: () => {
      replicas[victim()]?.stallNext(10 * MINUTE * random())
      triggerAll()
    },
  }
  const check = (): void => {
    mostStored = Math.max(mostStored, Object.keys(api.secret?.data ?? {}).length / 2)
    for (const [replica, { served }] of replicas.entries()) {
      if (!served) continue
      for (const [observer, bundle] of observers().entries()) {
        // Nothing was published yet, or a hand has wiped it: no certificate would be trusted.
        if (bundle.length === 0) continue
        checks += 1
        const anchor = bundle.find(({ id }) => id === served.id)
        const valid = served.notBefore <= scheduler.now && scheduler.now < served.notAfter
        if (!anchor || !valid)
          violations.push(
            `${new Date(scheduler.now).toISOString()}: replica ${replica} serves ${served.id.slice(0, 8)}, observer ${observer} trusts ${bundle.map(({ id }) => id.slice(0, 8)).join(' ')}`,
          )
      }
    }
  }

  for (let index = 0; index < options.replicas; index += 1) boot(index)
  for (let day = options.faultEveryDays; day < options.days; day += options.faultEveryDays) {
    const fault = options.faults[Math.floor(random() * options.faults.length)]
    if (!fault) continue
    faults += 1
    scheduler.at(start + (day + random() * 0.5) * DAY, inject[fault])
  }
  await scheduler.runUntil(start + options.days * DAY, check)
  return { violations, checks, minted, faults, mostStored }
}

function breakKey(api: FakeApi): void {
  const { secret } = api
  const name = Object.keys(secret?.data ?? {}).find((entry) => entry.endsWith('.key'))
  if (!secret || name === undefined) return
  api.secret = { ...secret, data: { ...secret.data, [name]: 'no PEM' }, resourceVersion: api.nextVersion() }
}

/** @returns what each API server holds at the moment; each sees every change, in order, after a delay of its own. */
function watchers(
  { observers, latestMs, random }: SimulationOptions,
  scheduler: Scheduler,
  api: FakeApi,
): () => readonly ReturnType<typeof parseBundle>[] {
  const held = Array.from({ length: observers }, () => parseBundle(''))
  const due = held.map(() => 0)
  api.onConfiguration = (bundle) => {
    const anchors = parseBundle(bundle)
    held.forEach((_, index) => {
      const time = Math.max(due[index] ?? 0, scheduler.now + random() * latestMs)
      due[index] = time
      scheduler.at(time, () => {
        held[index] = anchors
      })
    })
  }
  return () => held
}
