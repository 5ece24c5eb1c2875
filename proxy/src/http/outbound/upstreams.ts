import type { LookupAddress } from 'node:dns'
import { connect, isIP } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { buildConnector } from 'undici'
import createConnector from 'undici/lib/core/connect.js'
import type { Route } from '../../contract.ts'
import { ProxyError } from '../../errors.ts'
import { mayConnect } from '../../routing/address-policy.ts'
import type { AddressPolicy } from '../../routing/address-policy.ts'
import type { BlindTunnel, Destination } from '../../routing/router.ts'
import type { UnlistedHost } from '../../tokens/token-request.ts'
import { ATTEMPT_MS } from '../limits.ts'
import { upstreamFailure } from './failure.ts'
import { Upstream } from './upstream.ts'
import type { Dialling, UpstreamDeps } from './upstream.ts'

/** Trust anchors as PEM; what has none of its own uses `common`, and without that the public ones. */
export interface TrustAnchors {
  readonly common: string | undefined
  /** By the path that a route or an exchange names. */
  readonly byFile: ReadonlyMap<string, string>
}

/**
 * `dns.lookup` with all addresses: getaddrinfo, so that search domains and /etc/hosts count as for any other program; or, where /etc/hosts
 * leads the names of partners here, what stands in for it.
 */
export type ResolveAll = (
  host: string,
  options: { readonly all: true; readonly family?: number | 'IPv4' | 'IPv6'; readonly hints?: number },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

interface UpstreamsDeps extends UpstreamDeps {
  readonly anchors: TrustAnchors
  readonly resolve: ResolveAll
  readonly addresses: AddressPolicy
}

/** From here on upstreams without a connection are dropped when another one is called. */
const ORIGINS = 64

/** Whom this process calls, by origin. An origin belongs to one rule or to none, so route, trust and address rules come with it. */
export class Upstreams {
  private readonly byOrigin = new Map<string, Upstream>()
  /** Made with the first connection that needs it: reading the public anchors takes longer than starting. */
  private readonly contexts = new Map<string | undefined, SecureContext>()
  private readonly deps: UpstreamsDeps

  constructor(deps: UpstreamsDeps) {
    this.deps = deps
  }

  of(destination: Destination): Upstream {
    return this.byOrigin.get(destination.origin) ?? this.add(destination)
  }

  /** Connects for a tunnel, without TLS. */
  open({ host, port, route }: BlindTunnel): Socket {
    return connect({
      ...this.dialling(port, route !== undefined),
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      timeout: this.deps.limits.connectMs,
    })
  }

  /**
   * Looks a name up as a connection to it would.
   * @throws ProxyError (as rejection) upstream_dns_failed or address_denied.
   */
  resolves({ host, port }: UnlistedHost): Promise<void> {
    const { addresses, limits, resolve } = this.deps
    const lookup = checked(resolve, (address) => mayConnect(address, { port, ruled: true }, addresses))
    return new Promise((done, refuse) => {
      const fail = (error: unknown): void => refuse(upstreamFailure(error, 'connecting'))
      const late = setTimeout(() => fail(new ProxyError('upstream_dns_failed')), limits.connectMs).unref()
      lookup(host, {}, (error) => {
        clearTimeout(late)
        if (error) fail(error)
        else done()
      })
    })
  }

  /**
   * @param ca PEM of the only trust anchors.
   * @returns how to connect to a token endpoint: by TLS, and by the address rules of hosts that get a token.
   * @throws ProxyError address_denied for the literal of such an address, which no lookup sees.
   */
  connector(host: string, port: number, ca: string | undefined): buildConnector.connector {
    const { addresses, limits } = this.deps
    if (isIP(host) !== 0 && !mayConnect(host, { port, ruled: true }, addresses)) throw new ProxyError('address_denied')
    return createConnector({
      ...this.dialling(port, true),
      secureContext: this.secureContext(ca),
      allowH2: false,
      timeout: limits.connectMs,
      rejectUnauthorized: true,
    })
  }

  /** Ends every connection that was made for requests. */
  async close(): Promise<void> {
    await Promise.all([...this.byOrigin.values()].map((upstream) => upstream.destroy()))
  }

  private add(destination: Destination): Upstream {
    if (this.byOrigin.size >= ORIGINS)
      for (const [origin, upstream] of this.byOrigin) if (upstream.isUnused) this.byOrigin.delete(origin)
    const { origin, port, ruled } = destination
    const route = ruled?.route
    const upstream = new Upstream(destination, this.deps, {
      ...this.dialling(port, route !== undefined),
      ...(origin.startsWith('https:') && { secureContext: this.secureContext(this.anchorsOf(route)) }),
    })
    this.byOrigin.set(origin, upstream)
    return upstream
  }

  /** What every connection that leaves this process has in common. */
  private dialling(port: number, ruled: boolean): Dialling {
    const { addresses, resolve } = this.deps
    const lookup = checked(resolve, (address) => mayConnect(address, { port, ruled }, addresses))
    return { lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS }
  }

  private anchorsOf(route: Route | undefined): string | undefined {
    return route?.caFile === undefined ? undefined : this.deps.anchors.byFile.get(route.caFile)
  }

  private secureContext(ca = this.deps.anchors.common): SecureContext {
    let context = this.contexts.get(ca)
    if (!context) {
      context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
      this.contexts.set(ca, context)
    }
    return context
  }
}

/**
 * Resolves a name to those of its addresses that may be connected to.
 * SECURITY: the socket connects to an address that was checked; there is no second resolution between check and use.
 */
function checked(resolve: ResolveAll, allows: (address: string) => boolean): LookupFunction {
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
