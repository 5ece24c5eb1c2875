import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { ProxyError } from '../../errors.ts'

/**
 * `dns.lookup` with all addresses: getaddrinfo, so that search domains and /etc/hosts count as for any other program; or, where /etc/hosts
 * leads the names of partners here, what stands in for it.
 */
export type ResolveAll = (
  host: string,
  options: { readonly all: true; readonly family?: number | 'IPv4' | 'IPv6'; readonly hints?: number },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/**
 * Resolves a name to those of its addresses that may be connected to.
 * SECURITY: the socket connects to an address that was checked; there is no second resolution between check and use.
 */
export function checkedLookup(resolve: ResolveAll, allows: (address: string) => boolean): LookupFunction {
  return (host, { family, hints }, done) => {
    const options = {
      all: true,
      ...(family !== undefined && { family }),
      ...(hints !== undefined && { hints }),
    } as const
    resolve(host, options, (error, addresses) => {
      if (error) {
        done(error, [])
        return
      }
      const allowed = addresses.filter(({ address }) => allows(address))
      if (allowed.length === 0) done(new ProxyError('address_denied'), [])
      else done(null, allowed)
    })
  }
}
