const TICK_MS = 100

/**
 * Waits for work that must end. The time that counts is time in which this process ran: a machine busy with other things makes nothing hang.
 * @throws when the work takes longer.
 */
export function patiently<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    let ticks = milliseconds / TICK_MS
    let timer: NodeJS.Timeout
    const tick = (): void => {
      if (ticks-- <= 0) reject(new Error(`nothing happens for ${milliseconds} ms`))
      else timer = setTimeout(tick, TICK_MS)
    }
    tick()
    void work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
