import type { TLSSocket } from 'node:tls'
import { ProxyError } from '../../errors.ts'
import type { Limits } from '../limits.ts'
import { Http2Ended, Session } from './http2-session.ts'
import type { Http2Session, SessionOptions } from './http2-session.ts'

/**
 * Opens a TLS connection that offers HTTP/2 and HTTP/1.1 by ALPN. It has its own deadline.
 * SECURITY: trust, address rules and client certificate of the upstream are applied in here.
 */
export type ConnectHttp2 = (done: (error: Error | null, socket?: TLSSocket) => void) => void

interface Http2SessionsDeps extends SessionOptions {
  readonly connect: ConnectHttp2
  readonly now: () => number
  readonly limits: SessionOptions['limits'] & Pick<Limits, 'upstreamAgeMs'>
  /** Memory for one more session. */
  readonly room: { takes(): boolean; gives(): void }
}

/** @param session undefined when the partner speaks no HTTP/2, or wants none of it. */
type Taken = (error: Error | null, session?: Http2Session) => void

/** HTTP/2 sessions to one upstream. */
export class Http2Sessions {
  private readonly deps: Http2SessionsDeps
  private readonly open = new Set<Session>()
  private readonly waiting: Taken[] = []
  private connecting = false
  /** The partner has chosen HTTP/1.1; asked again when this time has come. */
  private declinedUntilMs = Number.NEGATIVE_INFINITY
  private openConnection: ConnectHttp2
  /** Sessions whose connection was begun before are not used again. */
  private redialledMs = Number.NEGATIVE_INFINITY

  constructor(deps: Http2SessionsDeps) {
    this.deps = deps
    this.openConnection = deps.connect
  }

  get isUnused(): boolean {
    return this.open.size === 0 && !this.connecting
  }

  /** Hands out a session with room for one stream; the caller gives it back. */
  take(taken: Taken): void {
    const now = this.deps.now()
    if (now < this.declinedUntilMs) {
      taken(null)
      return
    }
    const oldestMs = Math.max(now - this.deps.limits.upstreamAgeMs, this.redialledMs)
    for (const session of this.open) {
      if (session.begunMs <= oldestMs) session.retire()
      if (session.tryTake()) {
        taken(null, session)
        return
      }
    }
    this.waiting.push(taken)
    this.connect()
  }

  /** Connects otherwise from now on. What is in flight ends where it is. */
  redial(connect: ConnectHttp2): void {
    this.openConnection = connect
    this.redialledMs = this.deps.now()
    for (const session of this.open) session.retire()
  }

  /** The partner has said HTTP_1_1_REQUIRED: nobody is given a session any more. RFC 9113 §7. */
  decline(): void {
    this.declinedUntilMs = Number.POSITIVE_INFINITY
    for (const session of this.open) session.retire()
  }

  /** Ends a session that nobody uses. @returns whether there was one. */
  closeIdle(): boolean {
    for (const session of this.open) {
      if (!session.isIdle) continue
      this.forget(session)
      session.destroy()
      return true
    }
    return false
  }

  destroy(): void {
    for (const session of this.open) session.destroy()
  }

  /** One connection at a time; those that wait share it. */
  private connect(): void {
    if (this.connecting) return
    if (!this.deps.room.takes()) {
      this.settle(new ProxyError('overloaded', { retryAfterSeconds: 1 }))
      return
    }
    this.connecting = true
    const begunMs = this.deps.now()
    this.openConnection((error, socket) => {
      if (socket?.alpnProtocol === 'h2') {
        this.start(socket, begunMs)
        return
      }
      this.deps.room.gives()
      socket?.destroy()
      if (socket)
        this.declinedUntilMs = Math.max(this.declinedUntilMs, this.deps.now() + this.deps.limits.upstreamAgeMs)
      this.settle(error)
    })
  }

  private start(socket: TLSSocket, begunMs: number): void {
    let isReady = false
    const session = new Session(socket, begunMs, this.deps, {
      ready: () => {
        isReady = true
        this.open.add(session)
        this.settle(null, session)
        if (session.isIdle) session.retire()
      },
      declined: () => this.decline(),
      ended: (error) => {
        if (isReady) this.forget(session)
        else {
          this.deps.room.gives()
          this.settle(error)
        }
      },
    })
  }

  /** Gives the memory of a session back, once. */
  private forget(session: Session): void {
    if (this.open.delete(session)) this.deps.room.gives()
  }

  private settle(error: Error | null, session?: Session): void {
    this.connecting = false
    const waiting = this.waiting.splice(0)
    const isDeclined = this.deps.now() < this.declinedUntilMs
    for (const [index, taken] of waiting.entries()) {
      if (isDeclined) taken(null)
      else if (error || !session) taken(error)
      else if (session.tryTake()) taken(null, session)
      else {
        this.waiting.push(...waiting.slice(index))
        // A partner that allows no stream at all would be connected to without end.
        if (index === 0) this.settle(new Http2Ended())
        else this.connect()
        return
      }
    }
  }
}
