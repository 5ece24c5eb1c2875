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
  readonly matches: (text: string) => boolean
  readonly value: T
}

/** Patterns by what they begin or end with, so that thousands of them are looked up and not tried one after the other. */
export class GlobIndex<T> {
  readonly #exact = new Map<string, Entry<T>[]>()
  /** Of globs that end with a star and whole labels, by these: `.partner.example`. */
  readonly #tails = new Map<string, Entry<T>[]>()
  readonly #others: Entry<T>[] = []

  add(pattern: string, value: T): void {
    const entry = { matches: compileGlob(pattern), value }
    const star = pattern.lastIndexOf('*')
    const tail = pattern.slice(star + 1)
    if (star === -1) append(this.#exact, pattern, entry)
    else if (tail.startsWith('.')) append(this.#tails, tail, entry)
    else this.#others.push(entry)
  }

  /** @returns the values of patterns that match; one that was added under several may come several times. */
  *find(text: string): Generator<T> {
    yield* matching(this.#exact.get(text), text)
    if (this.#tails.size > 0)
      for (let dot = text.indexOf('.'); dot !== -1; dot = text.indexOf('.', dot + 1))
        yield* matching(this.#tails.get(text.slice(dot)), text)
    yield* matching(this.#others, text)
  }

  has(text: string): boolean {
    return this.find(text).next().done !== true
  }
}

function* matching<T>(entries: readonly Entry<T>[] = [], text: string): Generator<T> {
  for (const { matches, value } of entries) if (matches(text)) yield value
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values) values.push(value)
  else map.set(key, [value])
}
