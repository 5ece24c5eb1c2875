/** What is in flight, bounded, so that a flood ends in refusals and not in a killed process. */
export interface Load {
  /** Takes a place for one request. @param makeWay called at most once, when its body has become the largest of too many bytes. */
  enter(makeWay: () => void): Place
  readonly requests: number
}

/** Of one request. */
export interface Place {
  /** Charges what has arrived, never what was announced: whoever sends nothing takes nothing from others. */
  hold(bytes: number): void
  /** Gives everything back. */
  leave(): void
}

/** @param mostBytes of all bodies together. */
export function createLoad(mostBytes: number): Load {
  const holders = new Set<{ bytes: number; readonly makeWay: () => void }>()
  let total = 0
  return {
    get requests() {
      return holders.size
    },
    enter: (makeWay) => {
      const holder = { bytes: 0, makeWay }
      holders.add(holder)
      const drop = (dropped: typeof holder): void => {
        if (holders.has(dropped)) total -= dropped.bytes
        dropped.bytes = 0
      }
      return {
        hold: (bytes) => {
          if (!holders.has(holder)) return
          holder.bytes += bytes
          total += bytes
          while (total > mostBytes) {
            // A review has a few thousand bytes: it is never the largest of 24 MiB.
            const largest = [...holders].reduce((most, other) => (other.bytes > most.bytes ? other : most))
            drop(largest)
            largest.makeWay()
          }
        },
        leave: () => {
          drop(holder)
          holders.delete(holder)
        },
      }
    },
  }
}
