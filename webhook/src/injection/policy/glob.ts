/**
 * Compiles a text in which `*` stands for any characters, also for none.
 * SECURITY: no regular expression: with several stars one backtracks, and the author of a pod chooses the text.
 */
export function compileGlob(pattern: string): (text: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (text) => text === pattern
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let start = first.length
    for (const part of rest) {
      const found = text.indexOf(part, start)
      if (found === -1 || found + part.length > end) return false
      start = found + part.length
    }
    return true
  }
}

interface Entry<T> {
  readonly pattern: string
  /** Compiled when a text is first held against it: of thousands that is a few. */
  matches?: (text: string) => boolean
  readonly value: T
}

/** Globs whose literal text before the first star has one length, and that behind the last star, too; by these two texts. */
interface Shape<T> {
  readonly head: number
  readonly tail: number
  readonly entries: Map<string, Entry<T>[]>
}

/** Patterns by what they begin and end with, so that thousands of them are looked up and not tried one after the other. */
export class GlobIndex<T> {
  readonly #exact = new Map<string, T[]>()
  /** Few, however many globs there are: people write globs of the same form. */
  readonly #shapes = new Map<string, Shape<T>>()

  add(pattern: string, value: T): void {
    const head = pattern.indexOf('*')
    if (head === -1) {
      append(this.#exact, pattern, value)
      return
    }
    const { entries } = this.#shape(head, pattern.length - pattern.lastIndexOf('*') - 1)
    append(entries, ends(pattern, head), { pattern, value })
  }

  /** @returns the values of patterns that match; one that was added under several may come several times. */
  *find(text: string): Generator<T> {
    yield* this.#exact.get(text) ?? []
    for (const { head, tail, entries } of this.#shapes.values())
      if (head + tail <= text.length)
        yield* matching(entries.get(`${text.slice(0, head)}*${text.slice(text.length - tail)}`), text)
  }

  has(text: string): boolean {
    return this.find(text).next().done !== true
  }

  #shape(head: number, tail: number): Shape<T> {
    const key = `${head} ${tail}`
    let shape = this.#shapes.get(key)
    if (!shape) this.#shapes.set(key, (shape = { head, tail, entries: new Map<string, Entry<T>[]>() }))
    return shape
  }
}

/** @returns the two literal texts of a glob with the star between them. */
const ends = (pattern: string, head: number): string =>
  `${pattern.slice(0, head)}*${pattern.slice(pattern.lastIndexOf('*') + 1)}`

function* matching<T>(entries: readonly Entry<T>[] = [], text: string): Generator<T> {
  for (const entry of entries) {
    entry.matches ??= compileGlob(entry.pattern)
    if (entry.matches(text)) yield entry.value
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
