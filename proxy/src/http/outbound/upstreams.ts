import type { LookupAddress } from 'node:dns'
import { connect, isIP } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import createConnector from 'undici/lib/core/connect.js'
import type { Route } from '../../contract.ts'
import { ProxyError } from '../../errors.ts'
import { mayConnect } from '../../routing/address-policy.ts'
import type { AddressPolicy } from '../../routing/address-policy.ts'
import type { BlindTunnel, Destination } from '../../routing/router.ts'
import type { UnlistedHost } from '../../tokens/token-request.ts'
import { ATTEMPT_MS } from '../limits.ts'
import type { Limits, Patience } from '../limits.ts'
import { Connection } from './connection.ts'
import { upstreamFailure } from './failure.ts'
import { Http2Sessions } from './http2-sessions.ts'

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

interface UpstreamsDeps {
  readonly limits: Limits
  readonly anchors: TrustAnchors
  readonly resolve: ResolveAll
  readonly addresses: AddressPolicy
  readonly patience: (destination: Destination) => Patience
  readonly now: () => number
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

interface Dialling {
  /** Resolves the host to addresses that may be connected to. */
  readonly lookup: LookupFunction
  readonly autoSelectFamily: true
  readonly autoSelectFamilyAttemptTimeout: number
  /** Absent: without TLS. */
  readonly secureContext?: SecureContext
}

/**
 * One origin that is called: how it is connected to, and its connections.
 * undici's own pool looks at every connection for every request; here the last one used is on top, and the rest can go idle.
 * No request waits for another's connection: there are at most as many as requests in flight.
 */
export class Upstream {
  readonly origin: string
  readonly dialling: Dialling
  readonly connect: buildConnector.connector
  private readonly patience: Patience
  private readonly deps: UpstreamsDeps
  private readonly connections = new Set<Connection>()
  private readonly idle: Connection[] = []
  private sessions: Http2Sessions | undefined

  constructor(destination: Destination, deps: UpstreamsDeps, dialling: Dialling) {
    this.origin = destination.origin
    this.deps = deps
    this.dialling = dialling
    this.patience = deps.patience(destination)
    this.connect = this.connector({ allowH2: false })
  }

  /** HTTP/2 sessions to it; undefined without TLS, because nothing says then that it speaks HTTP/2. */
  get http2(): Http2Sessions | undefined {
    if (!this.dialling.secureContext) return undefined
    this.sessions ??= this.createSessions()
    return this.sessions
  }

  /** Requests that have a connection and are not over. */
  get inFlight(): number {
    return this.connections.size - this.idle.length
  }

  get isUnused(): boolean {
    return this.inFlight === 0 && this.idle.length === 0 && this.sessions?.isUnused !== false
  }

  /** @returns the connection that was used last, or a new one; the caller gives it back. */
  take(): Connection {
    return this.idle.pop() ?? this.add()
  }

  /** @param connection whose request is over, however it ended. */
  release(connection: Connection): void {
    const oldestMs = this.deps.now() - this.deps.limits.upstreamAgeMs
    if (connection.connectedMs !== undefined && connection.connectedMs >= oldestMs) this.idle.push(connection)
    else this.discard(connection)
  }

  /** A connection that ended while it was idle. */
  forget(connection: Connection): void {
    const index = this.idle.indexOf(connection)
    if (index === -1) return
    this.idle.splice(index, 1)
    this.discard(connection)
  }

  async destroy(): Promise<void> {
    this.sessions?.destroy()
    this.idle.length = 0
    await Promise.all([...this.connections].map((connection) => connection.destroy()))
  }

  private add(): Connection {
    const { limits, now } = this.deps
    const options = {
      pipelining: 1,
      allowH2: false,
      headersTimeout: this.patience.headMs,
      bodyTimeout: this.patience.bodyMs,
      maxHeaderSize: limits.headBytes,
      keepAliveTimeout: limits.upstreamIdleMs,
      keepAliveMaxTimeout: limits.upstreamIdleMs,
    }
    const connection = new Connection(this, options, now)
    this.connections.add(connection)
    return connection
  }

  private connector(protocols: Pick<buildConnector.BuildOptions, 'allowH2' | 'preferH2'>): buildConnector.connector {
    return createConnector({
      ...this.dialling,
      ...protocols,
      timeout: this.deps.limits.connectMs,
      // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
      rejectUnauthorized: true,
    })
  }

  private createSessions(): Http2Sessions {
    const { limits, now } = this.deps
    const connectSecure = this.connector({ allowH2: true, preferH2: true })
    const { host, hostname, port, protocol } = new URL(this.origin)
    return new Http2Sessions({
      origin: this.origin,
      now,
      limits,
      connect: (done) =>
        connectSecure({ host, hostname, port, protocol }, (...[error, socket]) => done(error, socket as TLSSocket)),
    })
  }

  private discard(connection: Connection): void {
    this.connections.delete(connection)
    // With the process's end it is destroyed already, and then it rejects.
    if (!connection.destroyed) void connection.close()
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
