/** A source of choices that repeats itself for the same seed. */
export interface Random {
  /** @returns an integer from 0 up to but not including the bound. */
  below(bound: number): number
  pick<T>(choices: readonly T[]): T
  chance(probability: number): boolean
}

/** mulberry32: small, fast and good enough to choose mutations. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return {
    below,
    pick: (choices) => choices[below(choices.length)]!,
    chance: (probability) => next() < probability,
  }
}
