import { constants } from 'node:http2'
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { Unlocated } from '../../routing/locate.ts'
import type { ForwardRequest } from '../forwarder.ts'
import type { RawHeaders, RequestFields } from '../headers.ts'
import { readFields, responseHeaders, responseTrailers } from '../headers.ts'
import { requestFromHttp2, responseToHttp2, trailersToHttp2 } from '../http2-fields.ts'
import type { Http2Request } from '../http2-fields.ts'
import { reset } from '../../runtime/index.ts'
import { CLOSE_MS, errorResponse } from './error-response.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeDeps } from './exchange.ts'
import { grpcErrorResponse, grpcErrorTrailers, isGrpc } from './grpc.ts'

/** A request as node:http2 hands it out. */
export interface IncomingStream {
  readonly stream: ServerHttp2Stream
  /** Names and values in turn, pseudo-header fields included. */
  readonly fields: RawHeaders
  /** False when the head ended the request. */
  readonly hasBody: boolean
  readonly connection: Socket
}

/** The side of a client that speaks HTTP/2: one stream. */
export class Http2Exchange extends Exchange {
  readonly source: ServerHttp2Stream
  readonly connection: Socket
  readonly upgrade = undefined
  readonly method: string
  readonly target: string
  readonly headers: RawHeaders
  status = 0
  private readonly isGrpc: boolean
  private readonly refused: Unlocated | undefined
  /** Until the client has heard 100 no body will come. */
  private awaitsContinue: boolean
  private trailers: RawHeaders = []
  /** Of interim responses that the client was given. */
  private interimBytes = 0

  constructor({ stream, fields, hasBody, connection }: IncomingStream, deps: ExchangeDeps) {
    super(deps)
    this.source = stream
    this.connection = connection
    const request = requestFromHttp2(fields)
    const read = 'refused' in request ? NO_REQUEST : request
    this.refused = 'refused' in request ? request : undefined
    this.method = read.method
    this.target = targetOf(read)
    this.headers = headersOf(read, hasBody)
    this.isGrpc = isGrpc(this.headers)
    this.awaitsContinue = valueOf(this.headers, 'expect')?.toLowerCase() === '100-continue'
    stream.on('aborted', () => this.close()).on('close', () => this.close())
  }

  get http2(): ForwardRequest['http2'] {
    return this.isGrpc ? 'required' : 'preferred'
  }

  get isEnded(): boolean {
    return this.source.writableEnded || this.source.closed
  }

  /** A stream that is cut off ends its writing side as well. */
  get isComplete(): boolean {
    return this.source.writableFinished && !this.source.aborted
  }

  fields(): RequestFields {
    if (this.refused) throw new ProxyError(this.refused.refused, this.refused)
    if (!this.awaitsContinue && valueOf(this.headers, 'expect') !== undefined)
      throw new ProxyError('expectation_failed')
    return readFields(this.headers)
  }

  /** SECURITY: `end` comes after a reset, too. */
  isWhole(): boolean {
    return !this.source.aborted && this.source.rstCode === constants.NGHTTP2_NO_ERROR
  }

  /** A reset arrives whether the stream is read or not. */
  probe(): void {}

  continue(): void {
    if (!this.awaitsContinue) return
    this.awaitsContinue = false
    this.informed(constants.HTTP_STATUS_CONTINUE, [])
  }

  /**
   * Streams cannot be mixed up, so that interim responses pass, but for 101, which HTTP/2 does not have. RFC 9113 §8.6.
   * SECURITY: and but for too many. No window holds heads back, so that what the client does not read would be held here.
   */
  informed(status: number, raw: RawHeaders): void {
    if (this.isClosed || this.isEnded || this.status !== 0) return
    this.interimBytes += raw.reduce((sum, { length }) => sum + length, STATUS_BYTES)
    const isTooMuch = this.interimBytes > LARGEST_INTERIM_BYTES
    if (isTooMuch || status === constants.HTTP_STATUS_SWITCHING_PROTOCOLS) this.deps.observer.interimDropped(status)
    else this.source.additionalHeaders(fieldsOf(responseToHttp2(status, responseHeaders(raw, false).headers)))
  }

  started(status: number, _reason: string, raw: RawHeaders, isAll: boolean): void {
    if (this.isClosed) return
    // node:http2 sends none but those of RFC 9110 §15.
    if (status > LARGEST_STATUS)
      throw new ProxyError('upstream_invalid_response', {
        message: `The status ${status} of the response is not one of HTTP.`,
      })
    const { headers } = this.responseFields(status, raw, true)
    // Trailers are sent with `wantTrailers`; without it, a stream that is cut off would first end in good order.
    const end = isAll || this.method === 'HEAD' || NO_CONTENT.has(status)
    this.source.respond(responseToHttp2(status, headers), { ...NO_DATE, endStream: end, waitForTrailers: !end })
    this.status = status
    if (!end) this.source.once('wantTrailers', () => this.sendTrailers())
  }

  received(chunk: Buffer): void {
    const { source } = this
    if (this.isClosed || source.writableEnded) return
    if (!source.write(chunk)) this.waitForDrain(source)
  }

  ended(trailers: RawHeaders): void {
    this.answeredMs = this.deps.now()
    if (this.isClosed) return
    this.trailers = trailers
    this.end()
  }

  upgraded(_headers: RawHeaders, upstream: Socket): void {
    upstream.destroy()
  }

  protected answer(error: ProxyError, requestId: string): void {
    const response = this.isGrpc ? grpcErrorResponse(error) : errorResponse(error, this.host, requestId)
    const { status, headers, body } = response
    const endStream = body === '' || this.method === 'HEAD'
    this.source.respond(responseToHttp2(status, headers), { ...NO_DATE, endStream })
    this.status = status
    if (!endStream) this.source.write(body)
    this.end()
  }

  protected breakOff(error: ProxyError): void {
    if (this.isGrpc) {
      // Its clients take no response for whole that has no status.
      this.trailers = grpcErrorTrailers(error)
      this.end()
    } else this.source.destroy(error)
  }

  /** The other streams go on. Where not even frames of the connection are read, that is what holds the most, and it is cut as well. */
  protected cut(): void {
    const { connection, source } = this
    const late = setTimeout(() => reset(connection), CLOSE_MS)
    // Also called once the session ends; and at once where so many are under way that the answer to another one decides.
    source.session?.ping(() => clearTimeout(late))
    source.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
    source.destroy()
  }

  /** A client that goes on sending is stopped: nobody reads what it sends. RFC 9113 §8.1. */
  private end(): void {
    const { source } = this
    if (!source.writableEnded) source.end()
    this.waitForClose(source)
    if (source.readableEnded) return
    source.resume()
    const timer = setTimeout(() => source.close(constants.NGHTTP2_NO_ERROR), CLOSE_MS)
    source.once('close', () => clearTimeout(timer))
  }

  /** Also asked for when the stream is cut off. */
  private sendTrailers(): void {
    if (!this.source.closed) this.source.sendTrailers(fieldsOf(trailersToHttp2(responseTrailers(this.trailers))))
  }
}

const LARGEST_STATUS = 599
/** Of all interim responses of a request: as much as of its response head. Go's client has the same bound. */
const LARGEST_INTERIM_BYTES = 64 * 1024
/** Of a head without fields, its frame included. */
const STATUS_BYTES = 32
/** The partner's is the only one. Node's types do not know the option. */
const NO_DATE = { sendDate: false }
const NO_REQUEST: Http2Request = { method: '', scheme: '', authority: '', path: '', headers: [] }
/** Statuses whose response has no content; node:http2 ends their streams itself. */
const NO_CONTENT = new Set([204, 205, 304])

/** In absolute-form, so that scheme and authority are checked like those of any request that names them. */
function targetOf({ scheme, authority, path }: Http2Request): string {
  return authority !== '' && path.startsWith('/') ? `${scheme}://${authority}${path}` : path
}

/** What a client of HTTP/1.1 would have sent. */
function headersOf({ authority, headers }: Http2Request, hasBody: boolean): RawHeaders {
  const host = authority === '' ? headers : ['host', authority, ...headers]
  const isLong = hasBody && valueOf(headers, 'content-length') === undefined
  return isLong ? [...host, 'transfer-encoding', 'chunked'] : host
}

/** @param name in lower case, as all names of HTTP/2 are. */
function valueOf(fields: RawHeaders, name: string): string | undefined {
  const index = fields.findIndex((field, at) => at % 2 === 0 && field === name)
  return index === -1 ? undefined : fields[index + 1]
}

/** For those methods of node:http2 that take no flat list. */
function fieldsOf(raw: RawHeaders): OutgoingHttpHeaders {
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (let index = 0; index < raw.length; index += 2)
    (fields[raw[index] as string] ??= []).push(raw[index + 1] as string)
  return fields
}
