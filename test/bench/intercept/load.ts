import { setTimeout as delay } from 'node:timers/promises'

/** One kind of load on one target, ready to run. */
export interface Load {
  /** @returns how many requests, calls or messages were answered. @throws on any other answer than the right one. */
  run(seconds: number): Promise<number>
  close(): void
}

/** What was begun must be done by then. */
const LATE_MS = 10_000

/** Does each work over and over, all at once, until the time is over. @returns how often, in all. @throws when one is not done ten seconds later. */
export async function repeat(works: readonly (() => Promise<void>)[], seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000
  let done = 0
  const keepOn = async (work: () => Promise<void>): Promise<void> => {
    while (performance.now() < endMs) {
      await work()
      done++
    }
  }
  const late = new AbortController()
  const isLate = delay(seconds * 1000 + LATE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`an answer had not come after ${LATE_MS} ms`)
  })
  try {
    await Promise.race([Promise.all(works.map(keepOn)), isLate])
  } finally {
    late.abort()
  }
  return done
}

/** As many of them as said. */
export const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
