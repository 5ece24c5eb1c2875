import type { Clock } from './clock.ts'

/**
 * Runs work that must end in time, whether or not it heeds its signal.
 * @returns what the work returns.
 * @throws what the work throws, or `late()` once the time is over; the signal is aborted then.
 */
export function within<T>(
  clock: Clock,
  limitMs: number,
  run: (signal: AbortSignal) => Promise<T>,
  late: () => Error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const controller = new AbortController()
    const cancel = clock.after(limitMs, () => {
      const error = late()
      reject(error)
      controller.abort(error)
    })
    run(controller.signal).then(resolve, reject).finally(cancel)
  })
}
