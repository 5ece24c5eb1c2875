/** Virtual time: events in order of time, nothing in between. */
export interface Scheduler {
  /** True time, milliseconds. */
  readonly now: number
  at(time: number, run: () => void): void
  /** Waits in virtual time. */
  sleep(ms: number): Promise<void>
  /** Counts real work, such as making keys, that virtual time waits for. */
  external<T>(work: Promise<T>): Promise<T>
  /** Runs every event up to a time; `after` runs after each, when all that it caused has settled. */
  runUntil(end: number, after: () => void): Promise<void>
}

interface Event {
  readonly time: number
  readonly order: number
  readonly run: () => void
}

export function createScheduler(start: number): Scheduler {
  const events: Event[] = []
  let now = start
  let order = 0
  let pending = 0

  const at = (time: number, run: () => void): void => {
    const event = { time: Math.max(time, now), order: order++, run }
    let index = events.length
    while (index > 0 && isLater(events[index - 1]!, event)) index -= 1
    events.splice(index, 0, event)
  }
  const settled = async (): Promise<void> => {
    do await new Promise(setImmediate)
    while (pending > 0)
  }
  return {
    get now() {
      return now
    },
    at,
    sleep: (ms) => new Promise((resolve) => at(now + ms, resolve)),
    external: async (work) => {
      pending += 1
      try {
        return await work
      } finally {
        pending -= 1
      }
    },
    runUntil: async (end, after) => {
      await settled()
      while (events[0] !== undefined && events[0].time <= end) {
        const event = events.shift()!
        now = event.time
        event.run()
        await settled()
        after()
      }
    },
  }
}

const isLater = (a: Event, b: Event): boolean => a.time > b.time || (a.time === b.time && a.order > b.order)
