import type { Logger } from '../../../proxy/src/runtime/index.ts'
import { createTokenEngine } from '../../../proxy/src/tokens/engine.ts'
import { TokenFailure } from '../../../proxy/src/tokens/failures.ts'
import type { Token } from '../../../proxy/src/tokens/token.ts'
import { createFakeClock } from './clock.ts'
import { unobserved } from './observer.ts'
import { requestFor } from './request.ts'
import { unusedSource } from './source.ts'

export interface FleetOptions {
  readonly pods: number
  readonly hours: number
  /** When STS fails, in seconds of the simulation. */
  readonly outage?: { readonly fromSeconds: number; readonly toSeconds: number }
}

const REQUEST = requestFor()
/** How often each pod calls its partner. */
const USE_EVERY_MS = 120_000

const silent: Logger = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  enabled: () => false,
  level: 'error',
}

/**
 * Simulates pods that start at the same moment and use one token each, on fake clocks.
 * @returns by pod, when it asked STS, in seconds.
 */
export async function simulateFleet({ pods, hours, outage }: FleetOptions): Promise<readonly (readonly number[])[]> {
  const chance = random(42)
  const fleet: (readonly number[])[] = []
  for (let pod = 0; pod < pods; pod++) fleet.push(await simulatePod(hours, outage, chance))
  return fleet
}

async function simulatePod(hours: number, outage: FleetOptions['outage'], chance: () => number): Promise<number[]> {
  const clock = createFakeClock()
  const calls: number[] = []
  const mint = (): Promise<Token> => {
    const second = clock.now().monotonicMs / 1000
    calls.push(second)
    if (outage && second >= outage.fromSeconds && second < outage.toSeconds)
      return Promise.reject(new TokenFailure('sts_unavailable'))
    return Promise.resolve({ value: 'token', expiresInMs: 900_000, evidence: undefined })
  }
  const tokens = createTokenEngine({
    sources: { aws: { ...unusedSource, mint }, kubernetes: unusedSource, exchange: unusedSource },
    clock,
    random: chance,
    log: silent,
    observer: unobserved,
    refreshSkewSeconds: undefined,
    onNoCredentials: () => undefined,
  })
  tokens.prefetch([REQUEST])
  for (let nowMs = 0; nowMs < hours * 3_600_000; nowMs += USE_EVERY_MS) {
    await clock.advance(USE_EVERY_MS)
    if (typeof tokens.get(REQUEST) !== 'string') throw new Error(`a request had to wait at ${nowMs} ms`)
  }
  tokens.close()
  return calls
}

/** @returns how many calls fall into each span of so many seconds. */
export function histogram(fleet: readonly (readonly number[])[], spanSeconds: number): readonly number[] {
  const seconds = fleet.flat()
  const counts = Array.from(
    { length: Math.floor(seconds.reduce((last, second) => Math.max(last, second), 0) / spanSeconds) + 1 },
    () => 0,
  )
  for (const second of seconds) counts[Math.floor(second / spanSeconds)]! += 1
  return counts
}

/** @returns the most calls of one pod in any hour. */
export function busiestHour(calls: readonly number[]): number {
  let from = 0
  return calls.reduce((most, call, index) => {
    while (calls[from]! <= call - 3_600) from++
    return Math.max(most, index - from + 1)
  }, 0)
}

/** Mulberry32: the same fleet in every run. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
