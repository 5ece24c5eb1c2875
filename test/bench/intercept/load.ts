/** One kind of load on one target, ready to run. */
export interface Load {
  /** @returns how many requests, calls or messages were answered. @throws on any other answer than the right one. */
  run(seconds: number): Promise<number>
  close(): void
}

/** Does each work over and over, all at once, until the time is over. @returns how often, in all. */
export async function repeat(works: readonly (() => Promise<void>)[], seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1000
  let done = 0
  const keepOn = async (work: () => Promise<void>): Promise<void> => {
    while (performance.now() < endMs) {
      await work()
      done++
    }
  }
  await Promise.all(works.map(keepOn))
  return done
}

/** As many of them as said. */
export const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
