import { connect, isIP } from 'node:net'
import type { Socket } from 'node:net'
import { createSecureContext } from 'node:tls'
import type { SecureContext, SecureContextOptions } from 'node:tls'
import createConnector from 'undici/lib/core/connect.js'
import type { EgressProxy, Route } from '../../contract.ts'
import { ProxyError } from '../../errors.ts'
import type { KeyPairInUse } from '../../runtime/index.ts'
import { mayConnect } from '../../routing/address-policy.ts'
import type { AddressPolicy } from '../../routing/address-policy.ts'
import type { WayOut } from '../../routing/egress.ts'
import type { BlindTunnel, Destination } from '../../routing/router.ts'
import type { UnlistedHost } from '../../tokens/token-request.ts'
import { ATTEMPT_MS } from '../limits.ts'
import { unabandoned } from './connection.ts'
import { Egress } from './egress-proxy.ts'
import type { Abandon, Connect } from './egress-proxy.ts'
import type { Limits, Patience } from '../limits.ts'
import type { MemoryBudget } from '../memory.ts'
import { upstreamFailure } from './failure.ts'
import { checkedLookup } from './lookup.ts'
import type { ResolveAll } from './lookup.ts'
import { Upstream } from './upstream.ts'
import type { Dialling, Siblings } from './upstream.ts'

/** Trust anchors as PEM; what has none of its own uses `common`, and without that the public ones. */
export interface TrustAnchors {
  readonly common: string | undefined
  /** By the path that a route or an exchange names. */
  readonly byFile: ReadonlyMap<string, string>
}

/** By the directory that a route names. */
export type ClientCertificates = ReadonlyMap<string, KeyPairInUse>

/** An egress proxy, and what goes by it. */
export interface EgressSettings {
  readonly proxy: EgressProxy
  readonly wayOut: WayOut
  /** `user:password`, as of now; undefined where it wants none. */
  readonly credentials: () => string | undefined
}

interface UpstreamsDeps {
  readonly limits: Limits
  readonly anchors: TrustAnchors
  readonly clientCertificates: ClientCertificates
  readonly resolve: ResolveAll
  readonly addresses: AddressPolicy
  readonly patience: (destination: Destination) => Patience
  readonly now: () => number
  readonly memory: MemoryBudget
  readonly egress: EgressSettings | undefined
}

/** From here on upstreams without a connection are dropped when another one is called. */
const ORIGINS = 64

/** Whom this process calls, by origin. An origin belongs to one rule or to none, so route, trust and address rules come with it. */
export class Upstreams implements Siblings {
  private readonly byOrigin = new Map<string, Upstream>()
  /** Made with the first connection that needs it: reading the public anchors takes longer than starting. */
  private readonly contexts = new Map<string | undefined, SecureContext>()
  /** Those that had no room for another connection. */
  private readonly short = new Set<Upstream>()
  /** SECURITY: apart from the others, which upstreams share by their trust anchors. */
  private readonly contextsWithCertificate = new Map<Route, SecureContext>()
  private readonly deps: UpstreamsDeps
  private readonly egress: Egress | undefined

  constructor(deps: UpstreamsDeps) {
    this.deps = deps
    this.egress = deps.egress && this.createEgress(deps.egress)
  }

  of(destination: Destination): Upstream {
    return this.byOrigin.get(destination.origin) ?? this.add(destination)
  }

  /** @returns what a connection to this host goes by; undefined for a direct one. */
  egressTo(host: string, port: number): Egress | undefined {
    return this.deps.egress?.wayOut(host, port) && this.egress
  }

  /** Connects to the egress proxy and to nobody behind it. @throws ProxyError (as rejection). */
  async reachEgress(): Promise<void> {
    await this.egress?.reach(this.deps.limits.connectMs)
  }

  /**
   * Connects for a tunnel, without TLS.
   * @param opened hears of it once it is connected, and of its errors until then.
   */
  open({ host, port, route }: BlindTunnel, opened: (error: Error | null, socket?: Socket) => void): Abandon {
    const timeoutMs = this.deps.limits.connectMs
    const egress = this.egressTo(host, port)
    if (egress) return egress.tunnel({ host, port, timeoutMs, allowHalfOpen: true }, opened)
    let isOpen = false
    const fail = (error: Error): void => {
      if (isOpen) return
      socket.destroy()
      opened(error)
    }
    // One set of listeners from here to the end: to take some off and others on costs a short tunnel more than they do.
    const socket = connect({
      ...this.dialling(port, route !== undefined),
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      timeout: timeoutMs,
    })
      .on('error', fail)
      .on('timeout', () => fail(new ConnectTimeout()))
      .on('connect', () => {
        isOpen = true
        opened(null, socket)
      })
    return () => socket.destroy()
  }

  /**
   * Looks a name up as a connection to it would. Where an egress proxy does so, it is asked for a connection.
   * @throws ProxyError (as rejection) upstream_dns_failed or address_denied, or what the egress proxy's answer means.
   */
  resolves({ host, port }: UnlistedHost): Promise<void> {
    const { addresses, limits, resolve } = this.deps
    const egress = this.egressTo(host, port)
    if (egress) return egress.reaches({ host, port, timeoutMs: limits.connectMs })
    const lookup = checkedLookup(resolve, (address) => mayConnect(address, { port, ruled: true }, addresses))
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
  connector(host: string, port: number, ca: string | undefined): Connect {
    const { addresses, limits } = this.deps
    if (isIP(host) !== 0 && !mayConnect(host, { port, ruled: true }, addresses)) throw new ProxyError('address_denied')
    const secure = createConnector({
      ...this.dialling(port, true),
      secureContext: this.secureContext(ca),
      allowH2: false,
      timeout: limits.connectMs,
      rejectUnauthorized: true,
    })
    return (
      this.egressTo(host, port)?.tunnelled({ host, port, timeoutMs: limits.connectMs }, secure) ?? unabandoned(secure)
    )
  }

  /** Another certificate has taken the place of the one in this directory. */
  renew(directory: string): void {
    this.contextsWithCertificate.clear()
    for (const upstream of this.byOrigin.values())
      if (upstream.destination.ruled?.route.clientCertificateDir === directory)
        upstream.redial(this.diallingTo(upstream.destination))
  }

  /** Ends every connection that was made for requests. */
  async close(): Promise<void> {
    await Promise.all([...this.byOrigin.values()].map((upstream) => upstream.destroy()))
  }

  makeRoom(): boolean {
    for (const upstream of this.byOrigin.values()) if (upstream.closeIdle()) return true
    return false
  }

  wantsRoom(upstream: Upstream): void {
    this.short.add(upstream)
  }

  hasRoom(): void {
    if (this.short.size === 0) return
    const waiting = [...this.short]
    this.short.clear()
    for (const upstream of waiting) upstream.serve()
  }

  private add(destination: Destination): Upstream {
    if (this.byOrigin.size >= ORIGINS)
      for (const [origin, upstream] of this.byOrigin) if (upstream.isUnused) this.byOrigin.delete(origin)
    const { origin, host, port } = destination
    const { limits, memory, now, patience } = this.deps
    const deps = { limits, memory, now, patience: patience(destination), siblings: this }
    const extras = { egress: this.egressTo(host, port), shown: this.shownTo(destination) }
    const upstream = new Upstream(destination, deps, this.diallingTo(destination), extras)
    this.byOrigin.set(origin, upstream)
    return upstream
  }

  private diallingTo(destination: Destination): Dialling {
    const { origin, port, ruled } = destination
    const route = ruled?.route
    const dialling = this.dialling(port, route !== undefined)
    if (!origin.startsWith('https:')) return dialling
    const shown = this.shownTo(destination)
    if (route === undefined || shown === undefined)
      return { ...dialling, secureContext: this.secureContext(this.anchorsOf(route)) }
    return { ...dialling, secureContext: this.contextWithCertificate(route, shown) }
  }

  /** SECURITY: a route with a client certificate is never called without one. */
  private shownTo({ ruled }: Destination): KeyPairInUse | undefined {
    const directory = ruled?.route.clientCertificateDir
    if (directory === undefined) return undefined
    const shown = this.deps.clientCertificates.get(directory)
    if (shown === undefined) throw new TypeError(`${directory} was not read at start`)
    return shown
  }

  /** What every connection that leaves this process has in common. */
  private dialling(port: number, ruled: boolean): Dialling {
    const { addresses, resolve } = this.deps
    const lookup = checkedLookup(resolve, (address) => mayConnect(address, { port, ruled }, addresses))
    return { lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MS }
  }

  /** Address rules are those of hosts that get no token: it may be in this pod, but is never this process. */
  private createEgress({ proxy, credentials }: EgressSettings): Egress {
    const { addresses } = this.deps
    return new Egress({
      ...this.dialling(proxy.port, false),
      proxy,
      mayConnect: (address) => mayConnect(address, { port: proxy.port, ruled: false }, addresses),
      secureContext: () => this.secureContext(),
      credentials,
    })
  }

  private anchorsOf(route: Route | undefined): string | undefined {
    return route?.caFile === undefined ? undefined : this.deps.anchors.byFile.get(route.caFile)
  }

  private secureContext(ca = this.deps.anchors.common): SecureContext {
    let context = this.contexts.get(ca)
    if (!context) {
      context = createSecureContext(contextOptions(ca))
      this.contexts.set(ca, context)
    }
    return context
  }

  private contextWithCertificate(route: Route, { pair: { cert, key } }: KeyPairInUse): SecureContext {
    let context = this.contextsWithCertificate.get(route)
    if (!context) {
      const ca = this.anchorsOf(route) ?? this.deps.anchors.common
      context = createSecureContext({ ...contextOptions(ca), cert, key })
      this.contextsWithCertificate.set(route, context)
    }
    return context
  }
}

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}

const contextOptions = (ca: string | undefined): SecureContextOptions => ({
  minVersion: 'TLSv1.2',
  ...(ca !== undefined && { ca }),
})
