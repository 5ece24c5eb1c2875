/** One moment on both clocks. */
export interface Instant {
  /** Never steps, but stands still while a machine is suspended. Milliseconds from an arbitrary start. */
  readonly monotonicMs: number
  /** Steps when somebody sets it, but goes on during a suspension. Milliseconds of the Unix epoch. */
  readonly wallMs: number
}

/** Time as an argument; tests move it by hand. */
export interface Clock {
  now(): Instant
  /** Runs once after the delay. @returns how to call it off. */
  after(delayMs: number, run: () => void): () => void
}

/** One that is longer fires at once. https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The machine's clocks. Their timers never keep the process alive; those of more than 24.8 days run after that. */
export function createSystemClock(): Clock {
  return {
    now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
    after: (delayMs, run) => {
      const timer = setTimeout(run, Math.min(delayMs, LONGEST_TIMER_MS)).unref()
      return () => clearTimeout(timer)
    },
  }
}

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
