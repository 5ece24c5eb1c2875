import { until } from '../../support/until.ts'

/** Each look at a cluster starts a process or a request. */
const POLL_MS = 100

/** Waits for a condition of the cluster. @throws with its description, and the last error, when it does not come true in time. */
export async function eventually(
  description: string,
  holds: () => boolean | Promise<boolean>,
  limitMs?: number,
): Promise<void> {
  let last: unknown
  const attempt = async (): Promise<boolean> => {
    try {
      return await holds()
    } catch (error) {
      last = error
      return false
    }
  }
  await until(description, attempt, limitMs, POLL_MS).catch((error: unknown) => {
    throw new Error(String(error), { cause: last })
  })
}
