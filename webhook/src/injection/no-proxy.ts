import type { Coverage } from './no-proxy-coverage.ts'

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
export function directEntries(extra: readonly string[], coverage: Coverage): readonly string[] {
  return [...new Set([...DIRECT.filter((entry) => coverage(entry) === undefined), ...extra])]
}

/** @returns the entries of a NO_PROXY value. Some clients also take spaces for separators. */
export function entriesOf(value: string): readonly string[] {
  return value.split(SEPARATOR).filter((entry) => entry !== '')
}

const SEPARATOR = /[\s,]/

/** @returns the value with what it lacks appended; what is there stays as written. */
export function union(value: string, entries: readonly string[]): string {
  const own = new Set(entriesOf(value))
  const missing = entries.filter((entry) => !own.has(entry))
  let end = value.length
  while (end > 0 && SEPARATOR.test(value.charAt(end - 1))) end -= 1
  return [...(end === 0 ? [] : [value.slice(0, end)]), ...missing].join(',')
}
