import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { ProxyError } from '../errors.ts'
import type { Destination } from '../routing/router.ts'
import type { RawHeaders } from './headers.ts'

/** One request for the next hop, its framing decided. */
export interface ForwardRequest {
  readonly destination: Destination
  readonly method: string
  /** Begins with a slash, or is the `*` of OPTIONS. */
  readonly path: string
  readonly headers: string[]
  /** A buffer can be sent again, a stream cannot. */
  readonly body: Buffer | Readable | null
  /** Protocol to switch to. */
  readonly upgrade: string | null
  /** Whether the partner is called by HTTP/2: a request goes as it came, and gRPC knows nothing else. */
  readonly http2: 'never' | 'preferred' | 'required'
}

/** RFC 9110 §9.2.2. */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

/** Whether a request may be sent again when nobody knows whether it arrived. */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}

/** What the other side of a request does. At the end comes one `ended`, `upgraded` or `failed`, and nothing after it. */
export interface Receiver {
  /** An interim response, such as 103. */
  informed(status: number, headers: RawHeaders): void
  /**
   * The response head.
   * @param isAll the partner said that nothing follows, not even trailers; gRPC reads its status out of such a head.
   * @throws ProxyError for one that is not to be handed on; it comes back as `failed`.
   */
  started(status: number, reason: string, headers: RawHeaders, isAll: boolean): void
  /** @param chunk may be kept, it is not used again. */
  received(chunk: Buffer): void
  ended(trailers: RawHeaders): void
  /** Instead of a response: the connection is the receiver's now. */
  upgraded(headers: RawHeaders, upstream: Socket): void
  /** Before the response head, within the body, or after it. */
  failed(error: ProxyError): void
}

/** A request under way. */
export interface Forwarding {
  /** The client is gone; the receiver hears nothing any more. */
  abort(): void
  pause(): void
  resume(): void
}

/** The client side of the proxy; the one thing a different HTTP library would have to implement. */
export interface Forwarder {
  forward(request: ForwardRequest, receiver: Receiver): Forwarding
  /** Ends every connection. */
  close(): Promise<void>
}
