import type { HostPattern } from '@aws-outbound-jwt-injector/proxy/contract'

/**
 * Hosts that never go through the proxy: this pod, credential and metadata endpoints, the cluster.
 * Lowest common denominator of 18 clients: no spaces, no ports, both spellings of IPv6; CIDRs help those that parse them.
 */
const DIRECT = (
  'localhost,127.0.0.1,::1,[::1],169.254.169.254,169.254.170.2,169.254.170.23,' +
  'fd00:ec2::254,[fd00:ec2::254],fd00:ec2::23,[fd00:ec2::23],' +
  '$(KUBERNETES_SERVICE_HOST),kubernetes,kubernetes.default,.svc,.cluster.local,' +
  '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10'
).split(',')

/** @returns the default entries and the author's, without those defaults that cover a partner in the cluster. */
export function directEntries(extra: readonly string[], partners: readonly HostPattern[]): readonly string[] {
  const defaults = DIRECT.filter((entry) => !partners.some((partner) => coverage(entry, partner) !== 'none'))
  return [...new Set([...defaults, ...extra])]
}

/** @returns the entries of a NO_PROXY value. Some clients also take spaces for separators. */
export function entriesOf(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter((entry) => entry !== '')
}

/** @returns the value with what it lacks appended; what is there stays as written. */
export function union(value: string, entries: readonly string[]): string {
  const own = new Set(entriesOf(value))
  const missing = entries.filter((entry) => !own.has(entry))
  const kept = value.replace(/[\s,]+$/, '')
  return [...(kept === '' ? [] : [kept]), ...missing].join(',')
}

/**
 * @returns how much of a partner an entry takes away from the proxy in at least one client:
 * a name also covers what is below it in most, and a port is ignored by several.
 */
export function coverage(entry: string, { host, wildcard }: HostPattern): 'all' | 'part' | 'none' {
  const name = entry
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\*?\./, '')
    .replace(/\.$/, '')
  if (name === '*' || name === host || host.endsWith(`.${name}`)) return name === '' ? 'none' : 'all'
  return wildcard && name.endsWith(`.${host}`) ? 'part' : 'none'
}
