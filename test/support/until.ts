import { setTimeout as delay } from 'node:timers/promises'

/** A condition that holds comes true in milliseconds; a machine with other work may take seconds. */
const LIMIT_MS = 20_000

/** Waits for a condition that nothing announces. @throws with its description when it does not come true in time. */
export async function until(
  description: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = LIMIT_MS,
  pollMs = 5,
): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${description}`)
    await delay(pollMs)
  }
}
