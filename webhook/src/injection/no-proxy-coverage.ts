import type { HostPattern } from '@aws-outbound-jwt-injector/proxy/contract'

/** A partner that an entry of NO_PROXY takes away from the proxy, or part of a wildcard's hosts. */
export interface Covered {
  readonly extent: 'all' | 'part'
  readonly host: string
}

/** @returns what an entry covers in at least one client: a name covers what is below it in most, a port is ignored by several. */
export type Coverage = (entry: string) => Covered | undefined

/** RFC 1035 §2.3.4, and a port; a longer entry covers nothing. */
const LONGEST = 260

/** Looks entries up by name: a hostile pod may have as many entries as its partners have hosts. */
export function createCoverage(partners: readonly HostPattern[]): Coverage {
  const below = new Map<string, string>()
  for (const { host } of partners)
    for (const name of [...ancestors(host), '*']) if (!below.has(name)) below.set(name, host)
  const wildcards = new Set(partners.filter(({ wildcard }) => wildcard).map(({ host }) => host))
  return (entry) => {
    if (entry.length > LONGEST) return undefined
    const name = entry
      .toLowerCase()
      .replace(/:\d+$/, '')
      .replace(/^\*?\./, '')
      .replace(/\.$/, '')
    const host = below.get(name)
    if (host !== undefined) return { extent: 'all', host }
    const suffix = ancestors(name).find((ancestor) => wildcards.has(ancestor))
    return suffix === undefined ? undefined : { extent: 'part', host: suffix }
  }
}

/** @returns the name, then each domain it is in: `a.b.c`, `b.c`, `c`. */
function ancestors(name: string): readonly string[] {
  const labels = name.split('.')
  return labels.map((_, index) => labels.slice(index).join('.'))
}
