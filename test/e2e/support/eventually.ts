import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 100

/** Waits for a condition of the cluster. @throws with its description, and the last error, when it does not come true in time. */
export async function eventually(
  description: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> {
  const end = performance.now() + limitMs
  let cause: unknown
  const attempt = async (): Promise<boolean> => {
    try {
      return await holds()
    } catch (error) {
      cause = error
      return false
    }
  }
  while (!(await attempt())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${description}`, { cause })
    await delay(POLL_MS)
  }
}
