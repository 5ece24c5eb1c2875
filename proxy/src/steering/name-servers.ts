import type { LookupAddress, LookupOptions } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import { createResolver } from './resolver.ts'
import type { Family, Questions, Resolve } from './resolver.ts'
import { searchDomains } from './resolv-conf.ts'

const RESOLV_CONF = '/etc/resolv.conf'
/** Until a connection gives up on a name; half of what it may take in all. */
const LIMIT_MS = 5_000

type Done = (error: Error | null, address: string | LookupAddress[], family?: number) => void
/** The forms of `dns.lookup` that Node itself, undici and the AWS SDK use. */
type Lookup = (host: string, options: LookupOptions, done: Done) => void

/**
 * Stands in for `dns.lookup` where /etc/hosts leads the names of partners to this pod: asks the name servers of resolv.conf, over UDP and,
 * for long answers, TCP. SECURITY: never /etc/hosts; a request would come back here without end.
 */
export function createNameServerLookup(readText: (path: string) => string): Lookup {
  const resolve = createResolver({
    begin: askNameServers,
    search: searchDomains(readIfThere(readText)),
    families: () => usableFamilies(networkInterfaces()),
    limitMs: LIMIT_MS,
  })
  return lookupBy(resolve)
}

/** @returns the resolver in the form of `dns.lookup`. */
export function lookupBy(resolve: Resolve): Lookup {
  return (host, { family, all }, done) => {
    resolve(host, numberOf(family)).then(
      (addresses) => {
        if (all === true) done(null, [...addresses])
        else done(null, addresses[0]?.address ?? '', addresses[0]?.family)
      },
      (error: unknown) => done(error as Error, all === true ? [] : ''),
    )
  }
}

/** Asks as resolv.conf says at this moment. @param servers instead of those of resolv.conf. */
export function askNameServers(servers?: readonly string[]): Questions {
  const resolver = new Resolver()
  if (servers) resolver.setServers(servers)
  return {
    addresses: (name, family) => (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name)),
    cancel: () => resolver.cancel(),
  }
}

/**
 * @returns the families that some interface has an address of, as AI_ADDRCONFIG means it (RFC 3493 §6.1); both where there is only the
 * loopback. An IPv6 address that reaches no router does not count.
 */
export function usableFamilies(interfaces: ReturnType<typeof networkInterfaces>): readonly Family[] {
  const outside = Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !/^fe80:/i.test(address))
  const families = ([4, 6] as const).filter((number) => outside.some(({ family }) => family === `IPv${number}`))
  return families.length > 0 ? families : [4, 6]
}

function numberOf(family: LookupOptions['family']): 0 | Family {
  if (family === 4 || family === 'IPv4') return 4
  return family === 6 || family === 'IPv6' ? 6 : 0
}

function readIfThere(readText: (path: string) => string): string {
  try {
    return readText(RESOLV_CONF)
  } catch {
    // The name server is then this machine's, and names are complete. resolv.conf(5)
    return ''
  }
}
