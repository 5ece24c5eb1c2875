import { constants } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import { Readable } from 'node:stream'
import { ProxyError } from '../../errors.ts'
import type { Destination } from '../../routing/router.ts'
import { clearTimeoutOnDestroy } from '../http2-timeout.ts'
import { fieldsFromHttp2, requestToHttp2 } from '../http2-fields.ts'
import type { RawHeaders } from '../headers.ts'
import { isClosedConnection } from './failure.ts'
import type { Phase } from './failure.ts'
import { isIdempotent } from '../forwarder.ts'
import type { ForwardRequest, Forwarder, Forwarding, Receiver } from '../forwarder.ts'
import type { Patience } from '../limits.ts'
import type { Http2Session } from './http2-session.ts'
import type { Upstream } from './upstream.ts'

export interface Http2ForwarderDeps {
  readonly upstream: (destination: Destination) => Pick<Upstream, 'http2' | 'failure'>
  /** For clients and partners that speak no HTTP/2. */
  readonly http1: Forwarder
  readonly patience: (destination: Destination) => Patience
  readonly onRetry: (destination: Destination) => void
}

/** As much of a streamed body is kept until the response begins, so that a stream the partner refused can be sent again. */
const REPLAYED_BYTES = 64 * 1024

/** Forwards a request as it came: by HTTP/2 where the partner speaks it, too, else by HTTP/1.1. */
export function createHttp2Forwarder(deps: Http2ForwarderDeps): Forwarder {
  const { http1 } = deps
  return {
    forward: (request, receiver) => {
      if (request.http2 === 'never') return http1.forward(request, receiver)
      const attempt = new Attempt(request, receiver, deps)
      attempt.dispatch()
      return attempt
    },
    close: () => http1.close(),
  }
}

/** One request on its way, over as many streams as it takes: one, or two. */
class Attempt implements Forwarding {
  private readonly request: ForwardRequest
  private readonly receiver: Receiver
  private readonly deps: Http2ForwarderDeps
  private stream: ClientHttp2Stream | undefined
  private session: Http2Session | undefined
  /** Once the partner turned out to speak HTTP/1.1 alone, or to want it. */
  private http1: Forwarding | undefined
  private phase: Phase = 'connecting'
  /** Resets the present stream as CANCEL: node:http2 has no other public way to. */
  private cancel = new AbortController()
  private isOver = false
  /** The response has ended as it should. */
  private isComplete = false
  private isPaused = false
  private retried = false
  private trailers: RawHeaders = []
  /** Bytes of the response that are still to come; −1 when that is not known. */
  private remaining = -1
  /** What went out of a streamed body; undefined once it is too much to keep. */
  private sent: Buffer[] | undefined = []
  private sentBytes = 0
  /** Ends the wait for the response head. Interim responses do not prolong it, and what is sent of the body does. */
  private late: NodeJS.Timeout | undefined
  /** Takes a streamed body off the present stream. */
  private unplug: (() => void) | undefined

  constructor(request: ForwardRequest, receiver: Receiver, deps: Http2ForwarderDeps) {
    this.request = request
    this.receiver = receiver
    this.deps = deps
  }

  dispatch(): void {
    this.phase = 'connecting'
    const sessions = this.deps.upstream(this.request.destination).http2
    if (!sessions) this.sendByHttp1()
    else
      sessions.take((error, session) => {
        if (this.isOver) session?.release(false)
        else if (error) this.fail(error)
        else if (session) this.send(session)
        else this.sendByHttp1()
      })
  }

  abort(): void {
    this.http1?.abort()
    this.end()
  }

  pause(): void {
    this.isPaused = true
    this.http1?.pause()
    this.stream?.pause()
  }

  resume(): void {
    this.isPaused = false
    this.http1?.resume()
    this.stream?.resume()
  }

  private sendByHttp1(): void {
    if (this.request.http2 === 'required') {
      this.fail(new ProxyError('http2_required'))
      return
    }
    this.isOver = true
    this.http1 = this.deps.http1.forward({ ...this.request, body: this.wholeBody() }, this.receiver)
    if (this.isPaused) this.http1.pause()
  }

  /** @returns the body with what has already gone out by HTTP/2. */
  private wholeBody(): ForwardRequest['body'] {
    const { body } = this.request
    if (!(body instanceof Readable) || !this.sent || this.sent.length === 0) return body
    const sent = Buffer.concat(this.sent)
    if (body.readableEnded) return sent
    body.unshift(sent)
    return body
  }

  private send(session: Http2Session): void {
    const { body, destination, headers, method, path } = this.request
    const [scheme = '', authority = ''] = destination.origin.split('://')
    this.session = session
    const served = session.served
    let stream: ClientHttp2Stream
    try {
      const fields = requestToHttp2({ method, scheme, authority, path }, headers)
      stream = session.request(fields, { endStream: body === null, signal: this.cancel.signal })
    } catch (error) {
      // node:http2 has rules of its own for names and values.
      this.fail(new ProxyError('malformed_request', { cause: error }))
      return
    }
    this.stream = stream
    this.phase = 'waiting'
    clearTimeoutOnDestroy(stream)
    this.late = setTimeout(this.onSilence, this.deps.patience(destination).headMs)
    stream
      .on('headers', (fields, _flags, raw?: RawHeaders) =>
        this.receiver.informed(Number(fields[':status']), fieldsFromHttp2(raw ?? [])),
      )
      .on('response', (fields, flags, raw?: RawHeaders) =>
        this.started(Number(fields[':status']), raw ?? [], (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0),
      )
      .on('trailers', (_fields: unknown, _flags: number, raw: RawHeaders) => {
        this.trailers = fieldsFromHttp2(raw)
      })
      .on('data', (chunk: Buffer) => {
        if (this.remaining > 0) this.remaining -= chunk.length
        if (!this.isOver) this.receiver.received(chunk)
      })
      .on('end', () => this.ended(stream))
      .on('error', (error) => this.broken(stream, error, served))
      .on('close', () => this.broken(stream, undefined, served))
    if (this.isPaused) stream.pause()
    if (body instanceof Readable) this.pump(body, stream)
    else if (body) stream.end(body)
  }

  private started(status: number, raw: RawHeaders, isAll: boolean): void {
    if (this.isOver) return
    this.phase = 'receiving'
    this.sent = undefined
    clearTimeout(this.late)
    this.stream?.setTimeout(this.deps.patience(this.request.destination).bodyMs, this.onSilence)
    const headers = fieldsFromHttp2(raw)
    const length = this.request.method === 'HEAD' || status === 304 ? -1 : headers.indexOf('content-length')
    this.remaining = length === -1 ? -1 : Number(headers[length + 1])
    try {
      this.receiver.started(status, '', headers, isAll)
    } catch (error) {
      this.fail(error)
    }
  }

  /** SECURITY: `end` comes after a reset, too, and a response that is cut off must not look whole. */
  private ended(stream: ClientHttp2Stream): void {
    if (this.isOver || stream !== this.stream || this.phase !== 'receiving') return
    const isWhole = stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.destroyed && this.remaining <= 0
    if (!isWhole) {
      this.fail(new ProxyError('upstream_reset'))
      return
    }
    const { trailers } = this
    this.isComplete = true
    this.end()
    this.receiver.ended(trailers)
  }

  private broken(stream: ClientHttp2Stream, error: unknown, served: number): void {
    if (this.isOver || stream !== this.stream) return
    // It would refuse the next streams of this connection as well. RFC 9113 §7.
    if (wantsCalm(stream)) this.session?.retire()
    if (wantsHttp1(stream)) this.deps.upstream(this.request.destination).http2?.decline()
    if (this.mayRetry(stream, error, served)) {
      this.retried = true
      this.release()
      this.cancel = new AbortController()
      this.deps.onRetry(this.request.destination)
      this.dispatch()
      return
    }
    this.fail(error ?? new ProxyError('upstream_reset'))
  }

  private mayRetry(stream: ClientHttp2Stream, error: unknown, served: number): boolean {
    const { body, method } = this.request
    const isReplayable = !(body instanceof Readable) || this.sent !== undefined
    if (this.retried || !isReplayable || this.phase !== 'waiting') return false
    if (isUnprocessed(stream, this.session?.lastStreamId)) return true
    if (!isIdempotent(method)) return false
    return wantsHttp1(stream) || (served > 0 && (error === undefined || wantsCalm(stream) || isClosedConnection(error)))
  }

  /** Writes at the speed of the partner. */
  private pump(body: Readable, stream: ClientHttp2Stream): void {
    const write = (chunk: Buffer): void => {
      if (this.phase === 'waiting') this.late?.refresh()
      if (!stream.write(chunk)) body.pause()
    }
    for (const chunk of this.sent ?? []) write(chunk)
    if (body.readableEnded) {
      stream.end()
      return
    }
    const onData = (chunk: Buffer): void => {
      this.sentBytes += chunk.length
      if (this.sentBytes > REPLAYED_BYTES) this.sent = undefined
      this.sent?.push(chunk)
      write(chunk)
    }
    const onEnd = (): void => void stream.end()
    const onDrain = (): void => void body.resume()
    body.on('data', onData).on('end', onEnd).resume()
    stream.on('drain', onDrain)
    this.unplug = () => {
      body.off('data', onData).off('end', onEnd).pause()
      stream.off('drain', onDrain)
    }
  }

  private readonly onSilence = (): void => this.fail(new ProxyError('upstream_timeout'))

  private fail(cause: unknown): void {
    if (this.isOver) return
    const error = this.deps.upstream(this.request.destination).failure(cause, this.phase)
    this.end()
    this.receiver.failed(error)
  }

  private end(): void {
    if (this.isOver) return
    this.isOver = true
    this.release()
    if (this.request.body instanceof Readable) this.request.body.destroy()
  }

  /**
   * SECURITY: `close` would end a stream in good order first, so that half of an upload looked whole; the signal resets it.
   * Of a stream whose response is complete, this resets what is left of the request. RFC 9113 §8.1.
   */
  private release(): void {
    const { session, stream } = this
    clearTimeout(this.late)
    this.unplug?.()
    this.unplug = undefined
    this.session = undefined
    this.stream = undefined
    const isGivenUp = stream !== undefined && !(stream.writableFinished && this.isComplete)
    if (isGivenUp) this.cancel.abort()
    session?.release(isGivenUp)
  }
}

/** The partner said so of the stream, or of its whole connection. RFC 9113 §7. */
function wantsHttp1({ rstCode }: ClientHttp2Stream): boolean {
  return rstCode === constants.NGHTTP2_HTTP_1_1_REQUIRED
}

/** The partner finds what came on the connection too costly, which may have been another client's doing. RFC 9113 §7. */
function wantsCalm({ rstCode }: ClientHttp2Stream): boolean {
  return rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM
}

/**
 * The partner says that it never looked at the stream (RFC 9113 §8.7), or that it will look at the request in another protocol alone.
 * @param lastStreamId of a GOAWAY, whose code node:http2 gives to every stream, also to those that were being carried out.
 */
function isUnprocessed(stream: ClientHttp2Stream, lastStreamId: number | undefined): boolean {
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return true
  if (lastStreamId === undefined) return wantsHttp1(stream)
  return stream.id !== undefined && stream.id > lastStreamId
}
