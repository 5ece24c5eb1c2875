import type { Dispatcher } from 'undici'
import { Readable } from 'node:stream'
import type { Duplex } from 'node:stream'
import type { Destination } from '../../routing/router.ts'
import type { ProxyError } from '../../errors.ts'
import { isClosedConnection } from './failure.ts'
import type { Phase } from './failure.ts'
import { isIdempotent } from '../forwarder.ts'
import type { ForwardRequest, Forwarder, Forwarding, Receiver } from '../forwarder.ts'
import { dispatchServerWide } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Claimant, Upstream } from './upstream.ts'
import type { Upstreams } from './upstreams.ts'
import { isConnection } from '../tunnel/tunnel.ts'

interface ForwarderDeps {
  readonly upstreams: Upstreams
  readonly onRetry: (destination: Destination) => void
}

/** Forwards with undici's dispatcher, whose own serialiser decides the framing. */
export class UndiciForwarder implements Forwarder {
  private readonly deps: ForwarderDeps

  constructor(deps: ForwarderDeps) {
    this.deps = deps
  }

  forward(request: ForwardRequest, receiver: Receiver): Forwarding {
    const attempt = new Attempt(request, receiver, this.deps)
    attempt.begin()
    return attempt
  }

  close(): Promise<void> {
    return this.deps.upstreams.close()
  }
}

/** One object per request instead of a closure per event: this is the hot path. */
class Attempt implements Dispatcher.DispatchHandler, Forwarding, Claimant {
  private readonly request: ForwardRequest
  private readonly receiver: Receiver
  private readonly deps: ForwarderDeps
  private readonly upstream: Upstream
  /** While the request is on it. */
  private connection: Connection | undefined
  private controller: Dispatcher.DispatchController | undefined
  private phase: Phase = 'connecting'
  private aborted = false
  /** The connection had served before, and nothing has come back on it for this request. */
  private stale = false
  private retried = false

  constructor(request: ForwardRequest, receiver: Receiver, deps: ForwarderDeps) {
    this.request = request
    this.receiver = receiver
    this.deps = deps
    this.upstream = deps.upstreams.of(request.destination)
  }

  begin(): void {
    this.upstream.take(this)
  }

  connected(connection: Connection): void {
    this.connection = connection
    this.dispatch(connection)
  }

  refused(error: ProxyError): void {
    this.dropBody()
    this.receiver.failed(error)
  }

  abort(): void {
    this.aborted = true
    this.controller?.abort(new Error('the client is gone'))
    if (this.connection && !this.controller) this.upstream.abandon(this.connection)
    if (this.connection) return
    this.upstream.leave(this)
    this.dropBody()
  }

  pause(): void {
    this.controller?.pause()
  }

  resume(): void {
    this.controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.aborted) {
      controller.abort(new Error('the client is gone'))
      return
    }
    this.controller = controller
    this.phase = 'waiting'
    this.stale = this.connection !== undefined && this.connection.served++ > 0
  }

  onResponseStarted(): void {
    this.stale = false
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _: unknown, reason = ''): void {
    if (status === 407 && this.upstream.reader) throw this.upstream.reader.unauthenticated()
    const headers = rawStrings(controller.rawHeaders)
    // They are pieces of the first read, 64 KiB of a long response, and undici keeps them until its end.
    controller.rawHeaders = []
    if (status < 200) {
      this.receiver.informed(status, headers)
      return
    }
    this.phase = 'receiving'
    this.receiver.started(status, reason, headers, false)
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.receiver.received(chunk)
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    const failure = this.connection?.failure
    this.release()
    if (failure) this.receiver.failed(this.upstream.failure(failure, this.phase))
    else this.receiver.ended(rawStrings(controller.rawTrailers))
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    if (!this.connection || !isConnection(socket)) return
    this.upstream.detach(this.connection, socket)
    this.connection = undefined
    this.receiver.upgraded(rawStrings(controller.rawHeaders), socket)
  }

  onResponseError(_: Dispatcher.DispatchController | null, reported: Error): void {
    const error = (this.phase !== 'connecting' && this.connection?.failure) || reported
    if (!this.aborted && this.connection && this.mayRetry(error)) {
      this.retried = true
      this.controller = undefined
      this.phase = 'connecting'
      this.deps.onRetry(this.request.destination)
      // Its socket is gone, so that this takes a new one, which cannot have been closed for being idle.
      this.dispatch(this.connection)
      return
    }
    this.release()
    if (this.aborted) return
    this.receiver.failed(this.upstream.failure(error, this.phase))
  }

  private release(): void {
    if (!this.connection) return
    this.upstream.release(this.connection)
    this.connection = undefined
    this.dropBody()
  }

  private dispatch(connection: Connection): void {
    const { method, path, headers, body, upgrade } = this.request
    const { origin, reader } = this.upstream
    if (reader) {
      const url = path === '*' ? origin : `${origin}${path}`
      connection.dispatch({ method, path: url, headers: reader.fields(headers), body, upgrade }, this)
    } else if (path === '*') dispatchServerWide(connection, { method, headers, body, upgrade }, this)
    else connection.dispatch({ method, path, headers, body, upgrade }, this)
  }

  /** undici leaves the body of a request it never got to send. */
  private dropBody(): void {
    if (this.request.body instanceof Readable) this.request.body.destroy()
  }

  /** A request that was never written is sent by undici itself once it has a connection; this is for one that was. */
  private mayRetry(error: Error): boolean {
    const { method, body } = this.request
    const replayable = !(body instanceof Readable) && isIdempotent(method)
    return this.stale && !this.retried && replayable && isClosedConnection(error)
  }
}

/** undici's HTTP/1.1 parser hands out the bytes of the fields; they are Latin-1 on the wire. */
function rawStrings(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  return Array.isArray(raw) ? raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1'))) : []
}
