/** What a client calls without its proxy: hosts by their names, and by what these begin or end with. */
export interface Bypass {
  readonly names: ReadonlySet<string>
  readonly starts: readonly string[]
  readonly ends: readonly string[]
}

/** @returns the first of some hosts that a client does not call without its proxy. */
export type FirstProxied = (bypass: Bypass) => string | undefined

/**
 * SECURITY: a hostile pod has as many patterns as partners, and both as long as names get, in each of hundreds of containers.
 * A host is compared with one pattern for each of its ends, after a search among sorted ones.
 */
export function createFirstProxied(hosts: readonly string[]): FirstProxied {
  const names = hosts.map((host) => ({ host, reversed: reverse(host) }))
  return (bypass) => {
    const starts = startsWithAny(bypass.starts)
    const ends = startsWithAny(bypass.ends.map(reverse))
    return names.find(({ host, reversed }) => !bypass.names.has(host) && !starts(host) && !ends(reversed))?.host
  }
}

/** @returns whether a text ends with one of the patterns, after one search among all of them. */
export function endsWithAny(patterns: readonly string[]): (text: string) => boolean {
  const starts = startsWithAny(patterns.map(reverse))
  return (text) => starts(reverse(text))
}

/** An end of a name is a start of the reversed one. */
const reverse = (text: string): string => text.split('').reverse().join('')

/**
 * In the order of their texts, what begins with a pattern stands right behind it and says nothing more. Among those that are left,
 * the last one not greater than a text is the only one that it can begin with.
 */
function startsWithAny(patterns: readonly string[]): (text: string) => boolean {
  const shortest: string[] = []
  for (const pattern of patterns.toSorted()) {
    const last = shortest.at(-1)
    if (last === undefined || !pattern.startsWith(last)) shortest.push(pattern)
  }
  return (text) => {
    let low = 0
    let high = shortest.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((shortest[middle] ?? '') <= text) low = middle + 1
      else high = middle
    }
    const candidate = shortest[low - 1]
    return candidate !== undefined && text.startsWith(candidate)
  }
}
