import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { Client, Pool, buildConnector } from 'undici'
import type { Dispatcher } from 'undici'
import type { Destination } from '../routing/router.ts'
import { ATTEMPT_MS } from './limits.ts'
import type { Limits } from './limits.ts'

/** A handler that wants to know which connection its request went out on. */
export interface Rider extends Dispatcher.DispatchHandler {
  connection: Connection | undefined
}

/** One connection to a partner, renewed when it ends. */
export class Connection extends Client {
  /** Requests sent over the present socket. */
  served = 0
  /** The present socket has failed, rather than ended. */
  isBroken = false

  constructor(origin: URL, options: Client.Options, connect: buildConnector.connector) {
    super(origin, { ...options, connect: (target, done) => this.connectWatched(connect, target, done) })
  }

  /** undici takes a reset for the end of a body that lasts until its connection ends; whoever wants to know sees it here. */
  private connectWatched(
    connect: buildConnector.connector,
    target: buildConnector.Options,
    done: buildConnector.Callback,
  ): void {
    connect(target, (...[error, socket]) => {
      this.served = 0
      this.isBroken = false
      socket?.on('error', () => {
        this.isBroken = true
      })
      if (error) done(error, null)
      else done(null, socket)
    })
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    ;(handler as Rider).connection = this
    return super.dispatch(options, handler)
  }
}

export interface PoolsDeps {
  readonly limits: Limits
  readonly lookup: (destination: Destination) => LookupFunction
  readonly secureContext: (destination: Destination) => SecureContext
  /** Until the response head. */
  readonly upstreamTimeoutMs: number
}

export interface Pools {
  get(destination: Destination): Pool
  close(): Promise<void>
}

/** From here on pools without a connection are dropped when another origin is called. */
const POOLS = 64

/** Connections by upstream origin. An origin belongs to one rule or to none, so trust and address rules come with it. */
export function createPools(deps: PoolsDeps): Pools {
  const pools = new Map<string, Pool>()
  return {
    get: (destination) => pools.get(destination.origin) ?? add(destination),
    close: async () => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }

  function add(destination: Destination): Pool {
    if (pools.size >= POOLS) dropUnused()
    const pool = new Pool(destination.origin, poolOptions(destination, deps))
    pools.set(destination.origin, pool)
    return pool
  }

  function dropUnused(): void {
    for (const [origin, pool] of pools) {
      if (pool.stats.connected > 0 || pool.stats.size > 0) continue
      pools.delete(origin)
      void pool.close()
    }
  }
}

function poolOptions(destination: Destination, deps: PoolsDeps): Pool.Options {
  const { limits, upstreamTimeoutMs } = deps
  const secure = destination.origin.startsWith('https:') && {
    secureContext: deps.secureContext(destination),
    // SECURITY: explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 changes nothing.
    rejectUnauthorized: true,
  }
  const connect = buildConnector({
    allowH2: false,
    timeout: limits.connectMs,
    lookup: deps.lookup(destination),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    ...secure,
  })
  return {
    factory: (origin, options) => new Connection(origin, options, connect),
    // As many as requests may be in flight: none ever waits for another's connection.
    connections: limits.inFlight,
    clientTtl: limits.upstreamAgeMs,
    pipelining: 1,
    allowH2: false,
    headersTimeout: upstreamTimeoutMs,
    bodyTimeout: limits.bodyIdleMs,
    maxHeaderSize: limits.headBytes,
    keepAliveTimeout: limits.upstreamIdleMs,
    keepAliveMaxTimeout: limits.upstreamIdleMs,
  }
}
