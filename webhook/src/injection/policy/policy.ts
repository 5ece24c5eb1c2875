import { LRUCache } from 'lru-cache'
import { GlobIndex } from './glob.ts'
import type { PolicyFieldName, PolicyRule } from './rules.ts'

/** A list that grants something. */
export type GrantList = Exclude<PolicyFieldName, 'namespaces'>

/** What one namespace may have. */
export interface Grants {
  readonly rules: readonly PolicyRule[]
  /** What the rules list together, each once, in their order. */
  readonly granted: (list: GrantList) => readonly string[]
  /** Whether any rule grants it. */
  readonly isGranted: (item: GrantedItem) => boolean
  /** Whether one rule grants all of it. */
  readonly isGrantedWhole: (items: readonly GrantedItem[]) => boolean
}

export interface GrantedItem {
  readonly list: GrantList
  readonly value: string
}

/** Which namespaces may have what. Made once for all pods. */
export interface Policy {
  readonly rules: number
  readonly grantsOf: (namespace: string) => Grants
}

/** Rules of all namespaces that are remembered, together: a cluster has thousands of namespaces, and a rule may be for each. */
const REMEMBERED_RULES = 100_000

export function createPolicy(rules: readonly PolicyRule[]): Policy {
  const byNamespace = indexRules(rules, 'namespaces')
  const byGrant = remembering((list: GrantList) => indexRules(rules, list))
  // Pods ask for hosts, and the first one is not to wait.
  byGrant('hosts')
  const listOf = remembering((index: number) => remembering((list: GrantList) => indexOf(rules[index]?.[list] ?? [])))
  const known = new LRUCache<string, Grants>({
    maxSize: REMEMBERED_RULES,
    sizeCalculation: (grants) => grants.rules.length + 1,
  })
  return {
    rules: rules.length,
    grantsOf: (namespace) => {
      const remembered = known.get(namespace)
      if (remembered) return remembered
      const own = new Set(byNamespace.find(namespace))
      const grants = createGrants(
        rules.filter((_, index) => own.has(index)),
        (items) => isGrantedWhole(items, own),
      )
      known.set(namespace, grants)
      return grants
    },
  }

  function isGrantedWhole(items: readonly GrantedItem[], own: ReadonlySet<number>): boolean {
    const first = items.find(({ list }) => list === 'hosts') ?? items[0]
    // SECURITY: a namespace without a rule has nothing, whatever is asked for.
    if (!first) return own.size > 0
    for (const index of candidates(first, own))
      if (items.every(({ list, value }) => listOf(index)(list).has(value))) return true
    return false
  }

  /**
   * SECURITY: every namespace may have a rule for the same hosts. Of the rules of others no more are passed over than this one has itself.
   * @returns the rules of a namespace that may grant an item; some may come twice.
   */
  function* candidates({ list, value }: GrantedItem, own: ReadonlySet<number>): Generator<number> {
    let others = 0
    for (const index of byGrant(list).find(value)) {
      if (own.has(index)) yield index
      else if (++others > own.size) return yield* own
    }
  }
}

function createGrants(rules: readonly PolicyRule[], isGrantedWhole: Grants['isGrantedWhole']): Grants {
  // Only a refusal needs these two: thousands of rules of one namespace take their time.
  const granted = remembering((list: GrantList) => [...new Set(rules.flatMap((rule) => rule[list]))])
  const together = remembering((list: GrantList) => indexOf(granted(list)))
  return { rules, granted, isGranted: ({ list, value }) => together(list).has(value), isGrantedWhole }
}

/** @returns the places of rules by what they list. */
function indexRules(rules: readonly PolicyRule[], list: PolicyFieldName): GlobIndex<number> {
  const index = new GlobIndex<number>()
  rules.forEach((rule, place) => {
    for (const pattern of rule[list]) index.add(pattern, place)
  })
  return index
}

function indexOf(patterns: readonly string[]): GlobIndex<true> {
  const index = new GlobIndex<true>()
  for (const pattern of patterns) index.add(pattern, true)
  return index
}

function remembering<Key, T>(make: (key: Key) => T): (key: Key) => T {
  const known = new Map<Key, T>()
  return (key) => {
    const made = known.get(key) ?? make(key)
    known.set(key, made)
    return made
  }
}
