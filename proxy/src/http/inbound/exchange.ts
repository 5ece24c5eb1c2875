import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { LocationRewriting } from '../../routing/location-header.ts'
import type { Destination } from '../../routing/router.ts'
import type { Forwarder, ForwardRequest, Forwarding, Receiver } from '../forwarder.ts'
import type { RawHeaders, RequestFields } from '../headers.ts'
import { responseHeaders, responseTrailers } from '../headers.ts'
import { errorResponse } from './error-response.ts'

/** What became of a request, told once, when its response is finished or its client is gone. */
export interface ExchangeObserver {
  opened(): void
  closed(exchange: Exchange): void
  /** The partner sent an interim response, which the client cannot be given. */
  interimDropped(status: number): void
  /** A response of the proxy's own, or a failure within the partner's. */
  failed(exchange: Exchange, error: ProxyError, requestId: string): void
}

/** A request to speak another protocol on this connection. */
export interface Upgrade {
  readonly protocol: string
  /** The partner agreed. */
  switched(exchange: Exchange, headers: RawHeaders, upstream: Socket): void
}

/** What the client waits for before it goes on: `100 Continue`, or 101. */
export type Interim = 'continue' | Upgrade

/** Everything that is decided of a request before its token. */
export interface Plan {
  readonly destination: Destination
  /** With its query. */
  readonly path: string
  /** Those of the request that are not for this proxy alone. */
  readonly headers: RawHeaders
  readonly fields: RequestFields
}

export interface ExchangeDeps {
  readonly observer: ExchangeObserver
  readonly requestId: () => string
  readonly now: () => number
  readonly locations: LocationRewriting
}

/** One request and its response, seen from the client's side. One object per request instead of a closure per event. */
export class Exchange implements Receiver {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedMs: number
  /** Of the target, once it is known to be one. */
  host = ''
  /** Set once the router has decided where the request may go. */
  plan: Plan | undefined
  /** When the request went to the forwarder; undefined while it has not. */
  forwardedMs: number | undefined
  /** When the partner's response was complete. */
  answeredMs: number | undefined
  readonly upgrade: Upgrade | undefined
  /** The proxy's own error, if there was one. */
  error: ProxyError | undefined
  /** The response is complete, or its connection is gone. */
  isClosed = false
  private readonly deps: ExchangeDeps
  /** Until the client has heard `100 Continue` no body will come. */
  private awaitsContinue: boolean
  private forwarding: Forwarding | undefined
  /** Bytes of the response still to come; −1 when that is not known. */
  private remaining = -1
  private waitsForDrain = false

  constructor(request: IncomingMessage, response: ServerResponse, deps: ExchangeDeps, interim?: Interim) {
    this.request = request
    this.response = response
    this.awaitsContinue = interim === 'continue'
    this.upgrade = interim === 'continue' ? undefined : interim
    this.deps = deps
    this.startedMs = deps.now()
    deps.observer.opened()
    response.sendDate = false
    response.on('close', () => this.close())
  }

  /** Where the request wants to go, whether it may or not. */
  names(host: string): void {
    this.host = host
  }

  /** Where the request goes. */
  admit(plan: Plan): void {
    this.plan = plan
  }

  /** Hands the request on; what the partner answers comes back through the receiver's methods. */
  forward(request: ForwardRequest, forwarder: Forwarder): void {
    if (this.isClosed) return
    this.forwardedMs = this.deps.now()
    this.forwarding = forwarder.forward(request, this)
  }

  continue(): void {
    if (!this.awaitsContinue) return
    this.awaitsContinue = false
    this.response.writeContinue()
  }

  /**
   * SECURITY: a client of HTTP/1.x gets no interim response but the 100 of its own Expect. Some take any other for the final one, and
   * then the final one for the answer to their next request, which may have gone to another host. docs/adr/0014-interim-responses.md
   */
  informed(status: number): void {
    this.deps.observer.interimDropped(status)
  }

  started(status: number, reason: string, raw: RawHeaders): void {
    if (this.isClosed) return
    const chunked = this.request.httpVersionMinor > 0 && this.request.method !== 'HEAD'
    const { plan, response } = this
    const fields = status === NO_CONTENT ? raw.filter(isNoLength) : raw
    const { headers, length, framing } = responseHeaders(fields, chunked, this.deps.locations(plan?.destination))
    if (framing === 'ambiguous') throw new ProxyError('upstream_invalid_response', { message: UNCERTAIN_LENGTH })
    this.remaining = length
    response.writeHead(status, REASON.test(reason) ? reason : '', headers)
    // Events are useful the moment the head is there; a response of known length goes out together with its body.
    // Not by `flushHeaders`, which writes bytes above ASCII as UTF-8.
    if (length === -1 || length > COALESCED_BYTES) response.write('', 'latin1')
  }

  received(chunk: Buffer): void {
    const { response } = this
    if (this.isClosed) return
    if (this.remaining === chunk.length) {
      this.remaining = 0
      // As a string it leaves in one piece with the head; a buffer would need a second one.
      if (chunk.length <= STRING_BYTES) response.end(chunk.toString('latin1'), 'latin1')
      else response.end(chunk)
      return
    }
    if (this.remaining > 0) this.remaining -= chunk.length
    if (response.write(chunk) || this.waitsForDrain) return
    this.waitsForDrain = true
    this.forwarding?.pause()
    response.once('drain', () => {
      this.waitsForDrain = false
      this.forwarding?.resume()
    })
  }

  ended(trailers: RawHeaders): void {
    const { response } = this
    this.answeredMs = this.deps.now()
    if (this.isClosed || response.writableEnded) return
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(pairs(responseTrailers(trailers)))
    response.end()
  }

  upgraded(headers: RawHeaders, upstream: Socket): void {
    this.answeredMs = this.deps.now()
    this.forwarding = undefined
    if (this.isClosed || !this.upgrade) upstream.destroy()
    else this.upgrade.switched(this, headers, upstream)
  }

  /** Answers with the error, or, once the head is out, breaks the connection: the client must not take a part for the whole. */
  failed(cause: unknown): void {
    const { response, deps } = this
    if (this.isClosed || response.writableEnded) return
    const error = cause instanceof ProxyError ? cause : new ProxyError('internal_error', { cause })
    this.error = error
    const requestId = deps.requestId()
    deps.observer.failed(this, error, requestId)
    if (response.headersSent) {
      response.destroy()
      return
    }
    const { status, headers, body } = errorResponse(error, this.host, requestId)
    // SECURITY: where the body ends, or whether it comes at all, is not certain; the end of the connection is. RFC 9112 §6.1, RFC 9110 §10.1.1.
    if (this.awaitsContinue || error.code === 'ambiguous_framing') response.shouldKeepAlive = false
    response.writeHead(status, headers)
    response.end(body)
  }

  private close(): void {
    if (this.isClosed) return
    this.isClosed = true
    if (!this.response.writableFinished) this.forwarding?.abort()
    this.deps.observer.closed(this)
  }
}

/** Has no length: RFC 9110 §8.6. Some clients wait for a body of that length, and take the next response for it. */
const NO_CONTENT = 204
const isNoLength = (_: string, index: number, raw: RawHeaders): boolean =>
  raw[index - (index % 2)]?.toLowerCase() !== 'content-length'
/** RFC 9112 §4: what a reason phrase may hold; the partner's may hold anything. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
const UNCERTAIN_LENGTH = 'The response uses a transfer coding other than chunked.'
/** Up to here a copy costs less than writing two pieces. */
const STRING_BYTES = 16 * 1024
/** Up to here a body usually arrives in the same read as its head. */
const COALESCED_BYTES = 64 * 1024

function pairs(raw: RawHeaders): [string, string][] {
  const result: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) result.push([raw[index] ?? '', raw[index + 1] ?? ''])
  return result
}
