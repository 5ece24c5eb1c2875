import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Client as ClientTypes, Dispatcher, buildConnector } from 'undici'
import symbols from 'undici/lib/core/symbols.js'
import Client from 'undici/lib/dispatcher/client.js'
import type { Abandon, Connect } from './egress-proxy.ts'

/** @returns a connector of undici's as one whose attempts nothing gives up. */
export function unabandoned(connect: buildConnector.connector): Connect {
  return (...parameters) => {
    connect(...parameters)
    return undefined
  }
}

/** What a connection asks of the upstream that it belongs to. */
interface Owner {
  readonly origin: string
  /** Connects TCP and TLS, each time when there is no socket. */
  readonly connect: Connect
  /** A connection has been made. */
  settled(connection: Connection): void
  /** A connection has ended, perhaps while it was idle. */
  forget(connection: Connection): void
}

/** One connection to a partner, used by one request at a time and renewed when it ends under one. */
export class Connection extends Client {
  /** Requests sent over the present socket. */
  served = 0
  /** How the present socket failed; undefined while it has not, and when it ended. */
  failure: Error | undefined
  /** When connecting the present socket began; undefined when there is none. */
  begunMs: number | undefined
  private giveUp: Abandon | undefined

  constructor(owner: Owner, options: ClientTypes.Options, now: () => number) {
    let parsed: ParsedSocket | undefined
    super(owner.origin, {
      ...options,
      connect: (target, done) => {
        const begunMs = now()
        this.giveUp = owner.connect(target, (...[error, socket]) => {
          this.giveUp = undefined
          if (error) {
            done(error, null)
            return
          }
          this.served = 0
          this.failure = undefined
          this.begunMs = begunMs
          // undici takes a reset for the end of a body that lasts until its connection ends, and tells of an alert of TLS as of a
          // connection that was closed; whoever wants to know sees it here.
          socket.on('error', (failure) => {
            this.failure ??= failure
          })
          parsed = socket as unknown as ParsedSocket
          done(null, socket)
        })
      },
    })
    this.on('connect', () => {
      if (parsed) tameInterim(parsed[symbols.kParser], this)
      owner.settled(this)
    })
    this.on('disconnect', () => {
      this.begunMs = undefined
      owner.forget(this)
    })
  }

  /** Ends it while it is being made, where that can be given up. @returns whether it could. */
  abandon(): boolean {
    if (!this.giveUp) return false
    this.giveUp()
    this.destroy().catch(() => undefined)
    return true
  }
}

/** Told of every request that undici makes, before it is sent. */
const CREATED = 'undici:request:create'

/** Sends a request for the whole server; undici itself lets no path through but one with a slash. RFC 9112 §3.2.4. */
export function dispatchServerWide(
  connection: Connection,
  options: Omit<Dispatcher.DispatchOptions, 'path'>,
  handler: Dispatcher.DispatchHandler,
): void {
  const replacePath = (message: unknown): void => {
    ;(message as { readonly request: { path: string } }).request.path = '*'
  }
  subscribe(CREATED, replacePath)
  connection.dispatch({ ...options, path: '/' }, handler)
  unsubscribe(CREATED, replacePath)
}

interface ParsedSocket {
  readonly [symbols.kParser]: Parser
}

/** What is used here of undici's parser of HTTP/1.1, which has no public name. */
interface Parser {
  statusCode: number
  /** Runs until the response head, or within its body. */
  timeout: unknown
  onHeadersComplete(status: number, upgrade: boolean, keepAlive: boolean): number
}

const CONTINUE = 100
const SWITCHING_PROTOCOLS = 101
const LAST_INTERIM = 199
/** llhttp: no body follows. */
const SKIP_BODY = 1

/**
 * undici destroys a connection on which a 100 comes, since it sends no Expect; some servers send one all the same, before the response to a
 * request that they carry out. A client has to skip it. RFC 9110 §15.2. On an idle connection it stays what it is, a broken response.
 * After any other interim response undici waits for the response head as long as from the start, so that a partner could be waited for
 * without end.
 */
function tameInterim(parser: Parser, client: Client): void {
  const complete = parser.onHeadersComplete.bind(parser)
  parser.onHeadersComplete = (status, upgrade, keepAlive) => {
    if (status > LAST_INTERIM || status === SWITCHING_PROTOCOLS) return complete(status, upgrade, keepAlive)
    if (status === CONTINUE && client.stats.running > 0) {
      parser.statusCode = status
      return SKIP_BODY
    }
    const { timeout } = parser
    parser.timeout = null
    const result = complete(status, upgrade, keepAlive)
    parser.timeout = timeout
    return result
  }
}
