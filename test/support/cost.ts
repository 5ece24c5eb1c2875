/** The clock of a thread may stand still for as long. */
const TICK_MICROSECONDS = 5000

/**
 * @returns CPU microseconds of this thread that something takes, at least one tick, so that costs can be compared.
 * The least of three times: other work on the machine counts little.
 */
export function costOf(work: () => unknown): number {
  const costs = Array.from({ length: 3 }, () => {
    const start = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(start)
    return user + system
  })
  return Math.max(TICK_MICROSECONDS, Math.min(...costs))
}
