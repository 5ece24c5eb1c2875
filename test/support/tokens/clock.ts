import { setImmediate as settle } from 'node:timers/promises'
import type { Clock } from '../../../proxy/src/tokens/time.ts'

/** A clock that moves only when told. */
export interface FakeClock extends Clock {
  /** Lets time pass on both clocks. Timers run when they are due, each after what the one before started has settled. */
  advance(milliseconds: number): Promise<void>
  /** Moves the wall clock alone: somebody set it, or the machine was suspended. */
  shiftWall(milliseconds: number): void
  /** Timers that have not run. */
  pending(): number
}

interface Timer {
  readonly atMs: number
  readonly run: () => void
}

export function createFakeClock(wallMs = Date.UTC(2026, 0, 1)): FakeClock {
  let monotonicMs = 0
  let offsetMs = wallMs
  const timers = new Set<Timer>()

  return {
    now: () => ({ monotonicMs, wallMs: monotonicMs + offsetMs }),
    after: (delayMs, run) => {
      const timer = { atMs: monotonicMs + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: async (milliseconds) => {
      const endMs = monotonicMs + milliseconds
      await settle()
      for (let timer = due(endMs); timer; timer = due(endMs)) {
        timers.delete(timer)
        monotonicMs = Math.max(monotonicMs, timer.atMs)
        timer.run()
        await settle()
      }
      monotonicMs = endMs
    },
    shiftWall: (milliseconds) => {
      offsetMs += milliseconds
    },
    pending: () => timers.size,
  }

  function due(endMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of timers) if (timer.atMs <= endMs && (!first || timer.atMs < first.atMs)) first = timer
    return first
  }
}
