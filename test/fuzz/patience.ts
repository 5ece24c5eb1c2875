import { setTimeout as delay } from 'node:timers/promises'

const TICK_MS = 100

/**
 * Waits for work that must end. The time that counts is time in which this process ran: a machine busy with other things makes nothing hang.
 * @throws when the work takes longer.
 */
export function patiently<T>(work: Promise<T>, milliseconds: number, otherwise = 'nothing happens'): Promise<T> {
  return new Promise((resolve, reject) => {
    let ticks = milliseconds / TICK_MS
    let timer: NodeJS.Timeout
    const tick = (): void => {
      if (ticks-- <= 0) reject(new Error(`${otherwise} for ${milliseconds} ms`))
      else timer = setTimeout(tick, TICK_MS)
    }
    tick()
    void work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Waits for a condition that nothing announces, by the same time. @throws when it does not come true. */
export async function eventually(
  description: string,
  holds: () => Promise<boolean>,
  milliseconds: number,
  pollMs = TICK_MS,
): Promise<void> {
  let isOver = false
  const work = async (): Promise<void> => {
    while (!isOver && !(await holds())) await delay(pollMs)
  }
  try {
    await patiently(work(), milliseconds, `it does not hold that ${description},`)
  } finally {
    isOver = true
  }
}

/** Starts to measure how much later timers of this process run than they are due: what other work took from it, and from its children. */
export function measureLateness(): () => number {
  const started = performance.now()
  let ticks = 0
  const timer = setInterval(() => ticks++, TICK_MS)
  return () => {
    clearInterval(timer)
    return performance.now() - started - ticks * TICK_MS
  }
}
