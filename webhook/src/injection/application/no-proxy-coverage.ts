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
  const wildcards = new Set<string>()
  for (const { host, wildcard } of partners) {
    if (wildcard) wildcards.add(host)
    for (let name: string | undefined = host; name !== undefined; name = parent(name))
      if (!below.has(name)) below.set(name, host)
  }
  const [first] = partners
  if (first) below.set('*', first.host)
  /** From the right, no further than a partner goes: a name may have more labels than all partners together. */
  const nearestWildcard = (name: string): string | undefined => {
    let nearest: string | undefined
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const domain = name.slice(dot + 1)
      if (!below.has(domain)) break
      if (wildcards.has(domain)) nearest = domain
    }
    return nearest
  }
  return (entry) => {
    if (entry.length > LONGEST) return undefined
    const name = nameOf(entry)
    const host = below.get(name)
    if (host !== undefined) return { extent: 'all', host }
    const suffix = wildcards.size === 0 ? undefined : nearestWildcard(name)
    return suffix === undefined ? undefined : { extent: 'part', host: suffix }
  }
}

/** @returns the name an entry is about, in its one spelling. */
function nameOf(entry: string): string {
  const lower = entry.toLowerCase()
  const name = lower.includes(':') ? lower.replace(/:\d+$/, '') : lower
  const start = name.startsWith('*.') ? 2 : name.startsWith('.') ? 1 : 0
  return name.slice(start, name.endsWith('.') ? -1 : undefined)
}

/** @returns the domain a name is in, undefined for a single label. */
function parent(name: string): string | undefined {
  const dot = name.indexOf('.')
  return dot === -1 ? undefined : name.slice(dot + 1)
}
