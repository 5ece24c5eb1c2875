import type { LookupFunction } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { buildConnector } from 'undici'
import createConnector from 'undici/lib/core/connect.js'
import type { Destination } from '../../routing/router.ts'
import type { Limits, Patience } from '../limits.ts'
import { Connection } from './connection.ts'
import type { Egress } from './egress-proxy.ts'
import { Http2Sessions } from './http2-sessions.ts'

export interface UpstreamDeps {
  readonly limits: Limits
  readonly patience: (destination: Destination) => Patience
  readonly now: () => number
}

/** How an upstream is connected to. */
export interface Dialling {
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
  /** Present when connections go by it. */
  readonly egress: Egress | undefined
  private readonly host: string
  private readonly port: number
  private readonly patience: Patience
  private readonly deps: UpstreamDeps
  private readonly connections = new Set<Connection>()
  private readonly idle: Connection[] = []
  private sessions: Http2Sessions | undefined

  constructor(destination: Destination, deps: UpstreamDeps, dialling: Dialling, egress: Egress | undefined) {
    this.origin = destination.origin
    this.host = destination.host
    this.port = destination.port
    this.egress = egress
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

  /** Present when requests name their whole URL, because the egress proxy reads them. RFC 9112 §3.2.2. */
  get reader(): Egress | undefined {
    return this.dialling.secureContext ? undefined : this.egress
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
    const { connectMs } = this.deps.limits
    if (this.reader) return this.reader.connector(connectMs)
    const connect = createConnector({
      ...this.dialling,
      ...protocols,
      timeout: connectMs,
      // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
      rejectUnauthorized: true,
    })
    return this.egress?.tunnelled({ host: this.host, port: this.port, timeoutMs: connectMs }, connect) ?? connect
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
