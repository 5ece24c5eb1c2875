import type { LookupFunction, Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import createConnector from 'undici/lib/core/connect.js'
import { ProxyError } from '../../errors.ts'
import type { Destination } from '../../routing/router.ts'
import type { KeyPairInUse } from '../../runtime/index.ts'
import type { Limits, Patience } from '../limits.ts'
import { HOLDS } from '../memory.ts'
import type { MemoryBudget } from '../memory.ts'
import { Connection, unabandoned } from './connection.ts'
import type { Connect, Egress } from './egress-proxy.ts'
import { upstreamFailure } from './failure.ts'
import type { Phase } from './failure.ts'
import { Http2Sessions } from './http2-sessions.ts'
import type { ConnectHttp2 } from './http2-sessions.ts'

/** How connections to an origin are made. */
export interface Dialling {
  /** Resolves the host to addresses that may be connected to. */
  readonly lookup: LookupFunction
  readonly autoSelectFamily: true
  readonly autoSelectFamilyAttemptTimeout: number
  /** Absent: without TLS. */
  readonly secureContext?: SecureContext
}

interface UpstreamDeps {
  readonly limits: Limits
  readonly patience: Patience
  readonly now: () => number
  readonly memory: MemoryBudget
  readonly siblings: Siblings
}

/** Every upstream draws on the same memory. */
export interface Siblings {
  /** Closes a connection to whatever origin that nobody uses. @returns whether there was one. */
  makeRoom(): boolean
  /** There was no room for another connection. */
  wantsRoom(upstream: Upstream): void
  /** There may be some now. */
  hasRoom(): void
}

/** Wants a connection. */
export interface Claimant {
  connected(connection: Connection): void
  refused(error: ProxyError): void
}

/** What few upstreams have. */
interface Extras {
  readonly egress: Egress | undefined
  readonly shown: KeyPairInUse | undefined
}

/**
 * One origin that is called: how it is connected to, and its connections.
 * undici's own pool looks at every connection for every request; here the last one used is on top, and the rest can go idle.
 * A request gets a connection at once, unless many are being made at the time, or memory has no room for another: then it waits for the
 * first of those, or for one that another request no longer needs.
 */
export class Upstream {
  readonly destination: Destination
  /** The client certificate that it is shown. */
  readonly shown: KeyPairInUse | undefined
  /** Present when connections go by it. */
  readonly egress: Egress | undefined
  dialling: Dialling
  connect: Connect
  private readonly deps: UpstreamDeps
  private readonly connections = new Set<Connection>()
  /** Those of them that were made and are not connected yet. */
  private readonly unconnected = new Set<Connection>()
  private readonly idle: Connection[] = []
  /** In the order in which they came; with what ends their patience. */
  private readonly waiting = new Map<Claimant, NodeJS.Timeout>()
  /** When somebody who waited last got a connection. */
  private servedMs = -Infinity
  private sessions: Http2Sessions | undefined
  /** Connections that are older are not used again. */
  private redialledMs = Number.NEGATIVE_INFINITY

  constructor(destination: Destination, deps: UpstreamDeps, dialling: Dialling, { egress, shown }: Extras) {
    this.destination = destination
    this.egress = egress
    this.shown = shown
    this.deps = deps
    this.dialling = dialling
    this.connect = this.connector({ allowH2: false })
  }

  get origin(): string {
    return this.destination.origin
  }

  /** Connects otherwise from now on. What is in flight ends where it is. */
  redial(dialling: Dialling): void {
    this.dialling = dialling
    // undici resumes TLS sessions per connector, and a resumed one shows no certificate.
    this.connect = this.connector({ allowH2: false })
    this.redialledMs = this.deps.now()
    for (const connection of this.idle.splice(0)) this.discard(connection)
    this.sessions?.redial(this.http2Connector())
  }

  /** @returns what the client is told about an error of a connection to it. */
  failure(error: unknown, phase: Phase): ProxyError {
    return upstreamFailure(error, phase, this.shown)
  }

  /** HTTP/2 sessions to it; undefined without TLS, because nothing says then that it speaks HTTP/2. */
  get http2(): Http2Sessions | undefined {
    if (!this.dialling.secureContext) return undefined
    this.sessions ??= this.createSessions()
    return this.sessions
  }

  /** Present when requests name their whole URL, because the egress proxy reads them. RFC 9112 §3.2.2. */
  get reader(): Egress | undefined {
    return this.dialling.secureContext ? undefined : this.egress
  }

  get isUnused(): boolean {
    return this.connections.size === 0 && this.waiting.size === 0 && this.sessions?.isUnused !== false
  }

  /** Gives the claimant the connection that was used last, or a new one, at once or later; it gives it back. */
  take(claimant: Claimant): void {
    const connection = this.idle.pop() ?? this.add()
    if (connection) claimant.connected(connection)
    else this.wait(claimant, this.deps.now())
  }

  /** The claimant no longer waits. */
  leave(claimant: Claimant): void {
    clearTimeout(this.waiting.get(claimant))
    this.waiting.delete(claimant)
  }

  /** @param connection whose request is over, however it ended. */
  release(connection: Connection): void {
    const { begunMs } = connection
    const oldestMs = Math.max(this.deps.now() - this.deps.limits.upstreamAgeMs, this.redialledMs)
    if (begunMs === undefined || begunMs <= oldestMs) {
      this.discard(connection)
      return
    }
    this.idle.push(connection)
    this.serve()
    this.deps.siblings.hasRoom()
  }

  /** Nobody waits any more for a connection that is being made. One that can be given up is; another goes on, for whoever comes next. */
  abandon(connection: Connection): void {
    if (connection.abandon()) this.discard(connection)
  }

  /** @param socket of the connection, which is somebody else's now; until it closes it holds as much memory as before. */
  detach(connection: Connection, socket: Socket): void {
    socket.once('close', () => this.discard(connection))
  }

  /** A connection has been made, so that another one may be. */
  settled(connection: Connection): void {
    if (this.unconnected.delete(connection)) this.serve()
  }

  /** A connection that ended while it was idle. */
  forget(connection: Connection): void {
    const index = this.idle.indexOf(connection)
    if (index === -1) return
    this.idle.splice(index, 1)
    this.discard(connection)
  }

  /** Closes the connection that was not used for the longest time. @returns whether there was one. */
  closeIdle(): boolean {
    const [oldest] = this.idle
    if (!oldest) return this.sessions?.closeIdle() === true
    this.forget(oldest)
    return true
  }

  /** Gives those who wait what there is. */
  serve(): void {
    if (this.waiting.size === 0) return
    for (const [claimant] of this.waiting) {
      const connection = this.idle.pop() ?? this.add()
      if (!connection) return
      this.leave(claimant)
      this.servedMs = this.deps.now()
      claimant.connected(connection)
    }
  }

  async destroy(): Promise<void> {
    this.sessions?.destroy()
    this.idle.length = 0
    for (const [claimant] of this.waiting) this.leave(claimant)
    await Promise.all([...this.connections].map((connection) => connection.destroy()))
  }

  /** @returns undefined when there may be no more at the time. */
  private add(): Connection | undefined {
    const { limits, now, patience, siblings } = this.deps
    if (this.unconnected.size >= limits.dials) return undefined
    if (!this.takesRoom(HOLDS.upstream)) {
      siblings.wantsRoom(this)
      return undefined
    }
    const options = {
      pipelining: 1,
      allowH2: false,
      headersTimeout: patience.headMs,
      bodyTimeout: patience.bodyMs,
      maxHeaderSize: limits.headBytes,
      keepAliveTimeout: limits.upstreamIdleMs,
      keepAliveMaxTimeout: limits.upstreamIdleMs,
    }
    const connection = new Connection(this, options, now)
    this.connections.add(connection)
    this.unconnected.add(connection)
    return connection
  }

  private takesRoom(bytes: number): boolean {
    const { memory, siblings } = this.deps
    return memory.connections.takes(bytes) || (siblings.makeRoom() && memory.connections.takes(bytes))
  }

  private createSessions(): Http2Sessions {
    const { limits, memory, now, siblings } = this.deps
    const bytes = HOLDS.upstream + HOLDS.http2
    const room = {
      takes: () => this.takesRoom(bytes),
      gives: () => {
        memory.connections.gives(bytes)
        siblings.hasRoom()
      },
    }
    return new Http2Sessions({ origin: this.origin, now, limits, room, connect: this.http2Connector() })
  }

  /** As long as the queue moves, and a partner may be silent; where nothing moves, as long as a connection may take. */
  private wait(claimant: Claimant, sinceMs: number): void {
    const { limits, now, patience } = this.deps
    const onLate = (): void => {
      if (now() - this.servedMs < limits.connectMs && now() - sinceMs < patience.headMs) this.wait(claimant, sinceMs)
      else this.refuse(claimant)
    }
    this.waiting.set(claimant, setTimeout(onLate, limits.connectMs))
  }

  private refuse(claimant: Claimant): void {
    this.waiting.delete(claimant)
    claimant.refused(
      this.unconnected.size >= this.deps.limits.dials
        ? new ProxyError('upstream_connect_failed', { message: 'No connection to the partner in time.' })
        : new ProxyError('overloaded', { retryAfterSeconds: 1 }),
    )
  }

  private connector(protocols: Pick<buildConnector.BuildOptions, 'allowH2' | 'preferH2'>): Connect {
    const { connectMs } = this.deps.limits
    const { host, port } = this.destination
    if (this.reader) return this.reader.connector(connectMs)
    const connect = createConnector({
      ...this.dialling,
      ...protocols,
      timeout: connectMs,
      // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
      rejectUnauthorized: true,
    })
    return this.egress?.tunnelled({ host, port, timeoutMs: connectMs }, connect) ?? unabandoned(connect)
  }

  private http2Connector(): ConnectHttp2 {
    const connectSecure = this.connector({ allowH2: true, preferH2: true })
    const { host, hostname, port, protocol } = new URL(this.origin)
    return (done) => {
      connectSecure({ host, hostname, port, protocol }, (...[error, socket]) => done(error, socket as TLSSocket))
    }
  }

  private discard(connection: Connection): void {
    if (!this.connections.delete(connection)) return
    this.unconnected.delete(connection)
    // With the process's end it is destroyed already, and then it rejects.
    if (!connection.destroyed) void connection.close()
    this.deps.memory.connections.gives(HOLDS.upstream)
    this.serve()
    this.deps.siblings.hasRoom()
  }
}
