import { referencesOf } from './environment-edits.ts'
import type { Coverage } from './no-proxy-coverage.ts'

/**
 * Hosts that never go through the proxy: this pod, credential and metadata endpoints, the cluster.
 * Lowest common denominator of the clients in docs/clients.md: no spaces, no ports; CIDRs help those that parse them.
 * No brackets around IPv6: httpx fails every request when one entry has them.
 */
const DIRECT = (
  'localhost,127.0.0.1,::1,169.254.169.254,169.254.170.2,169.254.170.23,' +
  'fd00:ec2::254,fd00:ec2::23,' +
  '$(KUBERNETES_SERVICE_HOST),kubernetes,kubernetes.default,.svc,.cluster.local,' +
  '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10'
).split(',')

/** With `https: intercept` the https calls of AWS's SDKs would come by, too; nothing of ours is for them. */
const AWS = ['.amazonaws.com', '.amazonaws.com.cn', '.api.aws']

/** wget reads only the lower case; where both are set, clients differ in which one wins. */
export const NO_PROXY_NAMES: readonly string[] = ['NO_PROXY', 'no_proxy']

/** Entries that every container of a pod calls directly. */
export interface DirectHosts {
  readonly entries: readonly string[]
  /** The same as a value of NO_PROXY. */
  readonly text: string
  /** By the variable that the kubelet expands. */
  readonly references: ReadonlyMap<string, readonly Reference[]>
}

/** An entry that a variable is expanded in. */
interface Reference {
  readonly name: string
  readonly entry: string
}

/** @returns the default entries and the author's, without those defaults that cover a partner in the cluster. */
export function directHosts(
  extra: readonly string[],
  { coverage, intercepts }: { readonly coverage: Coverage; readonly intercepts: boolean },
): DirectHosts {
  const defaults = [...DIRECT, ...(intercepts ? AWS : [])]
  const entries = [...new Set([...defaults.filter((entry) => coverage(entry) === undefined), ...extra])]
  const references = entries.flatMap((entry) => [...referencesOf(entry)].map((name) => ({ name, entry })))
  return { entries, text: entries.join(','), references: Map.groupBy(references, ({ name }) => name) }
}

/** @returns the entries of a NO_PROXY value. Some clients also take spaces for separators. */
export function entriesOf(value: string): readonly string[] {
  return value.match(/[^\s,]+/g) ?? []
}

/** @returns the value with what it lacks appended, each entry once; what is there stays as written. @param known its entries. */
export function union(value: string, known: ReadonlySet<string>, entries: readonly string[]): string {
  const missing = [...new Set(entries)].filter((entry) => !known.has(entry))
  return [...(known.size === 0 ? [] : [withoutEnd(value)]), ...missing].join(',')
}

/** @returns the value up to its last entry. */
function withoutEnd(value: string): string {
  let end = value.length
  while (/[\s,]/.test(value.charAt(end - 1))) end -= 1
  return value.slice(0, end)
}
