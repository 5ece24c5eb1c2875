import type { Random } from './random.ts'

/** One change of bytes, as data: a case that is kept as a fixture says what was done to it. */
export interface Mutation {
  readonly change: 'replace' | 'drop' | 'repeat' | 'insert' | 'cut'
  /** Where, as a share of the length. */
  readonly at: number
  /** How many bytes are dropped or repeated. */
  readonly length: number
  /** What comes in; one character, one byte. */
  readonly bytes: string
}

const CHANGES = ['replace', 'drop', 'repeat', 'insert', 'insert', 'cut'] as const

/** @param words what this input's parsers stumble over; inserted as often as noise is. */
export function createMutation(random: Random, words: readonly string[]): Mutation {
  const change = random.pick(CHANGES)
  const noise = (): string =>
    String.fromCharCode(...Array.from({ length: 1 + random.below(8) }, () => random.below(256)))
  return {
    change,
    at: random.below(10_000) / 10_000,
    length: change === 'drop' || change === 'repeat' ? 1 + random.below(random.chance(0.1) ? 400 : 16) : 0,
    bytes: change === 'replace' || change === 'insert' ? (random.chance(0.5) ? random.pick(words) : noise()) : '',
  }
}

export function createMutations(random: Random, most: number, words: readonly string[]): readonly Mutation[] {
  return Array.from({ length: 1 + random.below(most) }, () => createMutation(random, words))
}

/** Changes text of which each character is a byte. */
export function applyMutations(text: string, mutations: readonly Mutation[]): string {
  return mutations.reduce(applyMutation, text)
}

function applyMutation(text: string, { change, at, length, bytes }: Mutation): string {
  const start = Math.floor(at * text.length)
  const before = text.slice(0, start)
  switch (change) {
    case 'replace':
      return before + bytes + text.slice(start + bytes.length)
    case 'drop':
      return before + text.slice(start + length)
    case 'repeat':
      return before + text.slice(start, start + length) + text.slice(start)
    case 'insert':
      return before + bytes + text.slice(start)
    case 'cut':
      return before
  }
}
