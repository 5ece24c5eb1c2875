import { connect, constants } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, ClientSessionRequestOptions } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { STREAMS_GIVEN_UP } from '../limits.ts'
import type { Limits } from '../limits.ts'

export interface SessionOptions {
  /** As `new URL(…).origin`. */
  readonly origin: string
  readonly limits: Pick<Limits, 'connectMs' | 'headBytes' | 'headFields' | 'upstreamIdleMs'>
}

/** Silence on a session with open streams, after which the partner is asked whether it is still there. */
const PING_MS = 15_000
/** Streams on one session; more would wait for each other on one TCP connection, and load balancers would see one client. */
const STREAMS = 100
/** Per stream. What a client does not read is held here: 100 streams at a time hold 12 MiB at most. */
const WINDOW_BYTES = 128 * 1024

/** Node refuses to send some fields twice, which HTTP/1.1 lets pass. Its types do not know the option for clients. */
const REPEATED_FIELDS = { strictSingleValueFields: false }

/** What a request needs of a session. */
export interface Http2Session {
  /** Streams opened before this one. */
  readonly served: number
  /** Highest stream the partner has taken, once it has said GOAWAY. RFC 9113 §6.8. */
  readonly lastStreamId: number | undefined
  /** @throws what node:http2 refuses to send. */
  request(fields: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream
  /** Its stream is over. @param isGivenUp before either side had said all. */
  release(isGivenUp: boolean): void
  /** Open streams go on to their end; there are no new ones. */
  retire(): void
}

/** What the owner of a session hears of it. */
export interface SessionEvents {
  ready(): void
  /** The partner wants HTTP/1.1 instead. */
  declined(): void
  /** Once; before `ready` it is why there is no session. */
  ended(error: Error): void
}

/** One connection of HTTP/2 to a partner. */
export class Session implements Http2Session {
  readonly begunMs: number
  served = 0
  lastStreamId: number | undefined
  private streams = 0
  private givenUp = 0
  private isLeaving = false
  private readonly session: ClientHttp2Session
  private readonly socket: TLSSocket
  private readonly limits: SessionOptions['limits']
  private timer: NodeJS.Timeout | undefined
  private bytesSeen = 0
  private awaitsPong = false

  constructor(socket: TLSSocket, begunMs: number, { origin, limits }: SessionOptions, events: SessionEvents) {
    this.begunMs = begunMs
    this.socket = socket
    this.limits = limits
    this.session = connect(origin, {
      createConnection: () => socket,
      // RFC 9113 §8.4: nobody here could hand on a push.
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES, maxHeaderListSize: limits.headBytes },
      maxHeaderListPairs: limits.headFields + 4,
      ...REPEATED_FIELDS,
      peerMaxConcurrentStreams: STREAMS,
      maxReservedRemoteStreams: 0,
      maxSessionMemory: 32,
    })
    let failure: Error | undefined
    const late = setTimeout(() => this.session.destroy(new Http2Timeout()), limits.connectMs)
    this.session
      .once('remoteSettings', () => {
        clearTimeout(late)
        events.ready()
      })
      .on('goaway', (code: number, lastStreamId: number) => {
        this.isLeaving = true
        this.lastStreamId = lastStreamId
        if (code === constants.NGHTTP2_HTTP_1_1_REQUIRED) events.declined()
        if (this.streams === 0) this.destroy()
      })
      .on('error', (error) => {
        failure = error
      })
      .once('close', () => {
        clearTimeout(late)
        clearTimeout(this.timer)
        this.isLeaving = true
        events.ended(failure ?? new Http2Ended())
      })
  }

  get isIdle(): boolean {
    return this.streams === 0
  }

  tryTake(): boolean {
    const { session } = this
    if (this.isLeaving || session.closed || session.destroyed) return false
    if (this.streams >= Math.min(STREAMS, session.remoteSettings.maxConcurrentStreams ?? STREAMS)) return false
    if (this.streams++ === 0) this.watch()
    return true
  }

  request(fields: readonly string[], options: ClientSessionRequestOptions): ClientHttp2Stream {
    const stream = this.session.request(fields, options)
    this.served++
    return stream
  }

  release(isGivenUp: boolean): void {
    this.streams--
    if (isGivenUp && ++this.givenUp === STREAMS_GIVEN_UP) this.retire()
    if (this.streams > 0) return
    clearTimeout(this.timer)
    if (this.isLeaving) this.destroy()
    else this.timer = setTimeout(() => this.retire(), this.limits.upstreamIdleMs)
  }

  retire(): void {
    if (this.isLeaving) return
    this.isLeaving = true
    if (this.streams === 0) this.destroy()
  }

  /** Not only the session: one that is closing waits for the end of the partner's side, which may never come. */
  destroy(): void {
    this.session.destroy()
    this.socket.destroy()
  }

  /** A connection whose other end is gone says nothing; while streams wait, silence is asked for an answer. RFC 9113 §6.7. */
  private watch(): void {
    clearTimeout(this.timer)
    this.bytesSeen = this.socket.bytesRead
    this.timer = setTimeout(() => {
      if (this.streams === 0 || this.session.destroyed) return
      if (this.socket.bytesRead === this.bytesSeen) {
        if (this.awaitsPong) {
          this.session.destroy(new Http2Timeout())
          return
        }
        this.awaitsPong = true
        this.session.ping(() => {
          this.awaitsPong = false
        })
      }
      this.watch()
    }, PING_MS)
  }
}

class Http2Timeout extends Error {
  readonly code = 'ETIMEDOUT'
  override readonly message = 'the partner does not answer on this HTTP/2 connection'
}

/** Why there is no session, or none any more. */
export class Http2Ended extends Error {
  readonly code = 'ECONNRESET'
  override readonly message = 'the partner ended the HTTP/2 connection'
}
