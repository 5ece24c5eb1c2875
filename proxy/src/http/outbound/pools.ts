import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import type { Client as ClientTypes, buildConnector } from 'undici'
import createConnector from 'undici/lib/core/connect.js'
import Client from 'undici/lib/dispatcher/client.js'
import type { Destination } from '../../routing/router.ts'
import { ATTEMPT_MS } from '../limits.ts'
import type { Limits } from '../limits.ts'

/** One connection to a partner, used by one request at a time and renewed when it ends under one. */
export class Connection extends Client {
  /** Requests sent over the present socket. */
  served = 0
  /** The present socket has failed, rather than ended. */
  isBroken = false
  /** When the present socket was connected; undefined when there is none. */
  connectedMs: number | undefined

  constructor(origin: Origin, now: () => number) {
    super(origin.url, {
      ...origin.options,
      connect: (target, done) =>
        origin.connect(target, (...[error, socket]) => {
          if (error) {
            done(error, null)
            return
          }
          this.served = 0
          this.isBroken = false
          this.connectedMs = now()
          // undici takes a reset for the end of a body that lasts until its connection ends; whoever wants to know sees it here.
          socket.on('error', () => {
            this.isBroken = true
          })
          done(null, socket)
        }),
    })
    this.on('disconnect', () => {
      this.connectedMs = undefined
      origin.forget(this)
    })
  }
}

export interface PoolsDeps {
  readonly limits: Limits
  readonly lookup: (destination: Destination) => LookupFunction
  readonly secureContext: (destination: Destination) => SecureContext
  /** Until the response head. */
  readonly timeoutMs: (destination: Destination) => number
  readonly now: () => number
}

export interface Pools {
  /** @returns the connection that was used last, or a new one; the caller gives it back. */
  take(destination: Destination): Connection
  /** @param connection whose request is over, however it ended. */
  release(destination: Destination, connection: Connection): void
  close(): Promise<void>
}

/** From here on origins without a connection are dropped when another one is called. */
const ORIGINS = 64

/**
 * Connections by upstream origin. An origin belongs to one rule or to none, so trust and address rules come with it.
 * undici's own pool looks at every connection for every request; here the last one used is on top, and the rest can go idle.
 * No request waits for another's connection: there are at most as many as requests in flight.
 */
export function createPools(deps: PoolsDeps): Pools {
  const origins = new Map<string, Origin>()
  return {
    take: (destination) => (origins.get(destination.origin) ?? add(destination)).take(deps.now),
    release: (destination, connection) =>
      origins.get(destination.origin)?.release(connection, deps.now() - deps.limits.upstreamAgeMs),
    close: async () => {
      await Promise.all([...origins.values()].map((origin) => origin.destroy()))
    },
  }

  function add(destination: Destination): Origin {
    if (origins.size >= ORIGINS) for (const [name, origin] of origins) if (origin.isUnused) origins.delete(name)
    const origin = new Origin(destination, deps)
    origins.set(destination.origin, origin)
    return origin
  }
}

class Origin {
  readonly url: string
  readonly options: ClientTypes.Options
  readonly connect: buildConnector.connector
  private readonly all = new Set<Connection>()
  private readonly idle: Connection[] = []

  constructor(destination: Destination, deps: PoolsDeps) {
    this.url = destination.origin
    this.options = clientOptions(destination, deps)
    this.connect = connectorFor(destination, deps)
  }

  get isUnused(): boolean {
    return this.all.size === 0
  }

  take(now: () => number): Connection {
    const last = this.idle.pop()
    if (last) return last
    const connection = new Connection(this, now)
    this.all.add(connection)
    return connection
  }

  release(connection: Connection, oldestMs: number): void {
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
    this.idle.length = 0
    await Promise.all([...this.all].map((connection) => connection.destroy()))
  }

  private discard(connection: Connection): void {
    this.all.delete(connection)
    // With the process's end it is destroyed already, and then it rejects.
    if (!connection.destroyed) void connection.close()
  }
}

function clientOptions(destination: Destination, { limits, timeoutMs }: PoolsDeps): ClientTypes.Options {
  return {
    pipelining: 1,
    allowH2: false,
    headersTimeout: timeoutMs(destination),
    bodyTimeout: limits.bodyIdleMs,
    maxHeaderSize: limits.headBytes,
    keepAliveTimeout: limits.upstreamIdleMs,
    keepAliveMaxTimeout: limits.upstreamIdleMs,
  }
}

function connectorFor(destination: Destination, deps: PoolsDeps): buildConnector.connector {
  const secure = destination.origin.startsWith('https:') && {
    secureContext: deps.secureContext(destination),
    // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    rejectUnauthorized: true,
  }
  return createConnector({
    allowH2: false,
    timeout: deps.limits.connectMs,
    lookup: deps.lookup(destination),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    ...secure,
  })
}
