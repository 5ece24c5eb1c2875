import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { ProxyError } from '../../errors.ts'
import type { FieldRewriting } from '../../routing/https-fields.ts'
import type { Destination } from '../../routing/router.ts'
import type { Tokens } from '../../tokens/token-request.ts'
import type { ForwardRequest, Forwarder, Forwarding, Receiver } from '../forwarder.ts'
import type { RawHeaders, RequestFields, ResponseFields } from '../headers.ts'
import { refusesToken, responseHeaders } from '../headers.ts'
import type { MemoryBudget } from '../memory.ts'
import type { Unread, UnreadBook } from '../unread.ts'
import type { RequestBody } from './body.ts'

/** What became of a request, told once, when its response is finished or its client is gone. */
export interface ExchangeObserver {
  opened(): void
  /** The request goes to its host, with its token where there is a rule. */
  forwarded(destination: Destination): void
  closed(exchange: Exchange): void
  /** The partner answered 401 or 403 to a request with a token. */
  tokenRefused(exchange: Exchange, token: string, status: number, headers: RawHeaders): void
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
  readonly rewriting: FieldRewriting
  readonly tokens: Pick<Tokens, 'reject'>
  readonly memory: Pick<MemoryBudget, 'requests'>
  readonly unread: UnreadBook
  /** Silence of the client of a host without a rule: longer than that of the host. */
  readonly unruledMs: number
}

/**
 * One request and its response, seen from the client's side, in the words of HTTP/1.1. What depends on the client's protocol is in the
 * subclasses. One object per request instead of a closure per event.
 */
export abstract class Exchange implements Receiver, RequestBody, Unread {
  abstract readonly method: string
  /** In origin-form or absolute-form. RFC 9112 §3.2. */
  abstract readonly target: string
  abstract readonly headers: RawHeaders
  /** The client's, or what came out of its tunnel. */
  abstract readonly connection: Socket
  /** How the partner is called. */
  abstract readonly http2: ForwardRequest['http2']
  abstract readonly upgrade: Upgrade | undefined
  /** Of the body. */
  abstract readonly source: Readable
  /** Of the response; 0 before its head is out. */
  abstract readonly status: number
  /** Nothing can be added to the response any more. */
  abstract readonly isEnded: boolean
  /** The client has been given the whole response. */
  abstract readonly isComplete: boolean
  readonly startedMs: number
  /** Of the target, once it is known to be one. */
  host = ''
  /** Set once the router has decided where the request may go. */
  plan: Plan | undefined
  /** When the request went to the forwarder; undefined while it has not. */
  forwardedMs: number | undefined
  /** When the partner's response was complete. */
  answeredMs: number | undefined
  /** SECURITY: the token that the request carries; undefined when it goes without one. */
  token: string | undefined
  /** Taken from the budget of memory; given back at the end. */
  heldBytes = 0
  /** The proxy's own error, if there was one. */
  error: ProxyError | undefined
  /** The response is complete, or its connection is gone. */
  isClosed = false
  protected readonly deps: ExchangeDeps
  protected forwarding: Forwarding | undefined
  private waitsForDrain = false

  constructor(deps: ExchangeDeps) {
    this.deps = deps
    this.startedMs = deps.now()
    deps.observer.opened()
  }

  /** @throws ProxyError for what is no request. */
  abstract fields(): RequestFields

  abstract isWhole(): boolean

  abstract probe(): void

  /** The request is going to be sent: a client that waits for that may send its body. */
  abstract continue(): void

  abstract informed(status: number, headers: RawHeaders): void

  abstract started(status: number, reason: string, headers: RawHeaders, isAll: boolean): void

  abstract received(chunk: Buffer): void

  abstract ended(trailers: RawHeaders): void

  abstract upgraded(headers: RawHeaders, upstream: Socket): void

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
    this.deps.observer.forwarded(request.destination)
    this.forwarding = forwarder.forward(request, this)
  }

  /** Answers with the error, or, once the head is out, breaks off: the client must not take a part for the whole. */
  failed(cause: unknown): void {
    if (this.isClosed || this.isEnded) return
    const known = cause instanceof ProxyError ? cause : new ProxyError('internal_error', { cause })
    const error = this.plan && !this.plan.destination.ruled ? aboutUnruled(known, this.plan.destination) : known
    const requestId = this.tell(error)
    if (this.status === 0) this.answer(error, requestId)
    else this.breakOff(error)
  }

  /** Whether the response is complete or not: gRPC is told no status either, because that would have to be read. */
  letGo(): void {
    if (this.isClosed) return
    this.tell(new ProxyError('overloaded'))
    this.cut()
  }

  /** @returns the identifier of the request, made for this. */
  private tell(error: ProxyError): string {
    this.error = error
    const requestId = this.deps.requestId()
    this.deps.observer.failed(this, error, requestId)
    return requestId
  }

  protected abstract answer(error: ProxyError, requestId: string): void

  protected abstract breakOff(error: ProxyError): void

  /** Ends the response, whatever its client does, and frees what is held of it. */
  protected abstract cut(): void

  /** The fields of the partner's response for the client. @throws ProxyError for a response that the client could read differently. */
  protected responseFields(status: number, raw: RawHeaders, maySendTrailers: boolean): ResponseFields {
    const ruled = this.plan?.destination.ruled
    if (ruled && this.token !== undefined && (status === UNAUTHORIZED || status === FORBIDDEN)) {
      this.deps.observer.tokenRefused(this, this.token, status, raw)
      if (refusesToken(status, raw)) this.deps.tokens.reject(ruled.token, this.token)
    }
    const hasNoContent = status === NO_CONTENT || (status === RESET_CONTENT && this.http2 !== 'never')
    const fields = hasNoContent ? raw.filter(isNoLength) : raw
    const read = responseHeaders(fields, maySendTrailers, this.deps.rewriting(this.plan?.destination))
    if (read.framing === 'ambiguous') throw new ProxyError('upstream_invalid_response', { message: UNCERTAIN_LENGTH })
    return read
  }

  /** The client reads more slowly than the partner sends. */
  protected waitForDrain(response: Writable): void {
    if (this.waitsForDrain) return
    this.waitsForDrain = true
    this.forwarding?.pause()
    this.deps.unread.begin(this)
    response.once('drain', () => {
      this.deps.unread.end(this)
      this.waitsForDrain = false
      this.forwarding?.resume()
    })
  }

  /** The response was ended; what of it the client has not read is held until it is closed. No drain is heard of any more. */
  protected waitForClose(response: Writable): void {
    if (!this.isClosed && response.writableLength > 0) this.deps.unread.begin(this)
  }

  /** The response is over, or its client is gone. */
  protected close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.deps.unread.end(this)
    this.deps.memory.requests.gives(this.heldBytes)
    if (!this.isComplete) this.forwarding?.abort()
    this.deps.observer.closed(this)
  }
}

const UNAUTHORIZED = 401
const FORBIDDEN = 403
/** Says of a host without a rule that it has none: it is most probably a partner whose name was misspelt, in the URL or in the annotation. */
function aboutUnruled(error: ProxyError, { host, origin }: Destination): ProxyError {
  const { code, message, retryAfterSeconds, proxyStatus, cause } = error
  if (code !== 'upstream_connect_failed' && code !== 'upstream_dns_failed') return error
  return new ProxyError(code, {
    message: `${message.replace('to the partner', `to ${host}`)} It has no rule: it was called at ${origin}, without a token.`,
    hint: 'A partner? Name it in outbound-jwt.io/hosts, spelt as in the URL. Any other host: check its name, and that egress to it is allowed.',
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    proxyStatus,
    cause,
  })
}

/** Has no length: RFC 9110 §8.6. Some clients wait for a body of that length, and take the next response for it. */
const NO_CONTENT = 204
/** Should have none, and gets none over HTTP/2. RFC 9110 §15.3.6. */
const RESET_CONTENT = 205
const isNoLength = (_: string, index: number, raw: RawHeaders): boolean =>
  raw[index - (index % 2)]?.toLowerCase() !== 'content-length'
const UNCERTAIN_LENGTH = 'The response uses a transfer coding other than chunked.'
