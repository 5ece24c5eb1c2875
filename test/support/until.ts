import { setTimeout as delay } from 'node:timers/promises'

const LIMIT_MS = 5_000

/** Waits for a condition that nothing announces. @throws with its description when it does not come true in time. */
export async function until(description: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${LIMIT_MS} ms: ${description}`)
    await delay(5)
  }
}
