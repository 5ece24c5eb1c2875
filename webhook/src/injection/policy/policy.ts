import { LRUCache } from 'lru-cache'
import { GlobIndex } from './glob.ts'
import type { PolicyFieldName, PolicyRule } from './rules.ts'

/** A list that grants something. */
export type GrantList = Exclude<PolicyFieldName, 'namespaces'>

interface CompiledRule {
  readonly rule: PolicyRule
  readonly lists: Readonly<Record<GrantList, GlobIndex<true>>>
}

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

const LISTS: readonly GrantList[] = ['hosts', 'audiences', 'roleArns', 'sources', 'exchanges', 'https']
/** More namespaces than most clusters have; the others are worked out anew for each pod. */
const REMEMBERED_NAMESPACES = 1000

export function createPolicy(rules: readonly PolicyRule[]): Policy {
  const compiled = rules.map((rule): CompiledRule => ({ rule, lists: mapLists((list) => indexOf(rule[list])) }))
  const byNamespace = new GlobIndex<number>()
  rules.forEach(({ namespaces }, index) => {
    for (const pattern of namespaces) byNamespace.add(pattern, index)
  })
  const known = new LRUCache<string, Grants>({ max: REMEMBERED_NAMESPACES })
  return {
    rules: rules.length,
    grantsOf: (namespace) => {
      const remembered = known.get(namespace)
      if (remembered) return remembered
      const indexes = [...new Set(byNamespace.find(namespace))].sort((a, b) => a - b)
      const grants = createGrants(indexes.flatMap((index) => compiled[index] ?? []))
      known.set(namespace, grants)
      return grants
    },
  }
}

function createGrants(rules: readonly CompiledRule[]): Grants {
  // Only a refusal needs these two: thousands of rules of one namespace take their time.
  const granted = remembering((list) => [...new Set(rules.flatMap(({ rule }) => rule[list]))])
  const together = remembering((list) => indexOf(granted(list)))
  const byHost = new GlobIndex<CompiledRule>()
  for (const compiled of rules) for (const host of compiled.rule.hosts) byHost.add(host, compiled)
  return {
    rules: rules.map(({ rule }) => rule),
    granted,
    isGranted: ({ list, value }) => together(list).has(value),
    isGrantedWhole: (items) => {
      const host = items.find(({ list }) => list === 'hosts')?.value
      for (const { lists } of host === undefined ? rules : byHost.find(host))
        if (items.every(({ list, value }) => lists[list].has(value))) return true
      return false
    },
  }
}

function indexOf(patterns: readonly string[]): GlobIndex<true> {
  const index = new GlobIndex<true>()
  for (const pattern of patterns) index.add(pattern, true)
  return index
}

function remembering<T>(make: (list: GrantList) => T): (list: GrantList) => T {
  const known = new Map<GrantList, T>()
  return (list) => {
    const made = known.get(list) ?? make(list)
    known.set(list, made)
    return made
  }
}

const mapLists = <T>(make: (list: GrantList) => T): Readonly<Record<GrantList, T>> =>
  Object.fromEntries(LISTS.map((list) => [list, make(list)])) as Record<GrantList, T>
