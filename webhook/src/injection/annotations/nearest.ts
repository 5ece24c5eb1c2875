/** Longer names are not typing mistakes, and comparing them would cost their square. */
const LONGEST = 40

/** @returns the candidate a misspelt name most probably meant, or undefined when none is close. */
export function nearest<T extends string>(name: string, candidates: readonly T[]): T | undefined {
  if (name.length > LONGEST) return undefined
  const plain = name.toLowerCase().replaceAll(/[^a-z]/g, '')
  let best: T | undefined
  let least = Math.max(2, Math.floor(plain.length / 3)) + 1
  for (const candidate of candidates) {
    const edits = distance(plain, candidate.replaceAll('-', ''))
    if (edits < least) [best, least] = [candidate, edits]
  }
  return best
}

/** Levenshtein distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(substitution, at(row, j) + 1, at(next, j - 1) + 1))
    }
    row = next
  }
  return at(row, b.length)
}

/** @returns an entry that is there by construction. */
const at = (row: readonly number[], index: number): number => row[index] as number
