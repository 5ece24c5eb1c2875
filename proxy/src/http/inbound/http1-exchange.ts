import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import { reset } from '../../runtime/index.ts'
import type { RawHeaders, RequestFields } from '../headers.ts'
import { readFields, responseTrailers } from '../headers.ts'
import { errorResponse } from './error-response.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeDeps, Plan, Upgrade } from './exchange.ts'

/** What the client waits for before it goes on: `100 Continue`, or 101. */
export type Interim = 'continue' | Upgrade

/** The side of a client that speaks HTTP/1.x. */
export class Http1Exchange extends Exchange {
  readonly source: IncomingMessage
  readonly http2 = 'never'
  readonly upgrade: Upgrade | undefined
  private readonly response: ServerResponse
  /** Until the client has heard `100 Continue` no body will come. */
  private awaitsContinue: boolean
  /** Bytes of the response still to come; −1 when that is not known. */
  private remaining = -1

  constructor(request: IncomingMessage, response: ServerResponse, deps: ExchangeDeps, interim?: Interim) {
    super(deps)
    this.source = request
    this.response = response
    this.awaitsContinue = interim === 'continue'
    this.upgrade = interim === 'continue' ? undefined : interim
    response.sendDate = false
    response.on('close', () => this.close())
  }

  get method(): string {
    return this.source.method ?? 'GET'
  }

  get target(): string {
    return this.source.url ?? ''
  }

  get headers(): RawHeaders {
    return this.source.rawHeaders
  }

  get connection(): Socket {
    return this.source.socket
  }

  get status(): number {
    return this.response.headersSent ? this.response.statusCode : 0
  }

  get isEnded(): boolean {
    return this.response.writableEnded
  }

  get isComplete(): boolean {
    return this.response.writableFinished
  }

  override admit(plan: Plan): void {
    super.admit(plan)
    // Until the next request, for which Node sets the limit of the server again.
    if (!plan.destination.ruled) this.connection.setTimeout(this.deps.unruledMs)
  }

  fields(): RequestFields {
    const { httpVersionMajor, httpVersionMinor, rawHeaders } = this.source
    // Node's parser lets 0.9 and 2.0 through.
    if (httpVersionMajor !== 1) throw new ProxyError('malformed_request')
    const fields = readFields(rawHeaders)
    // SECURITY: HTTP/1.0 has no chunked coding, so a server behind this one may not see the end of the body. RFC 9112 §6.1.
    return fields.framing === 'chunked' && httpVersionMinor === 0 ? { ...fields, framing: 'ambiguous' } : fields
  }

  /** Node ends no body that was cut off. */
  isWhole(): boolean {
    return true
  }

  /** A connection that is not read says nothing of its reset; to write nothing to it fails then, and is nothing otherwise. */
  probe(): void {
    if (this.connection.writable) this.connection.write('')
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
    const { response } = this
    const chunked = this.source.httpVersionMinor > 0 && this.method !== 'HEAD' && !WITHOUT_BODY.has(status)
    const { headers, length } = this.responseFields(status, raw, chunked)
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
      this.waitForClose(response)
      return
    }
    if (this.remaining > 0) this.remaining -= chunk.length
    if (!response.write(chunk)) this.waitForDrain(response)
  }

  ended(trailers: RawHeaders): void {
    const { response } = this
    this.answeredMs = this.deps.now()
    if (this.isClosed || response.writableEnded) return
    if (trailers.length > 0 && response.chunkedEncoding) response.addTrailers(pairs(responseTrailers(trailers)))
    response.end()
    this.waitForClose(response)
  }

  upgraded(headers: RawHeaders, upstream: Socket): void {
    this.answeredMs = this.deps.now()
    this.forwarding = undefined
    if (this.isClosed || !this.upgrade) upstream.destroy()
    else this.upgrade.switched(this, headers, upstream)
  }

  protected answer(error: ProxyError, requestId: string): void {
    const { response } = this
    const { status, headers, body } = errorResponse(error, this.host, requestId)
    // SECURITY: where the body ends, or whether it comes at all, is not certain; the end of the connection is. RFC 9112 §6.1, RFC 9110 §10.1.1.
    if (this.awaitsContinue || error.code === 'ambiguous_framing') response.shouldKeepAlive = false
    response.writeHead(status, headers)
    response.end(body)
  }

  protected breakOff(): void {
    this.response.destroy()
  }

  protected cut(): void {
    reset(this.connection)
  }
}

/** Whatever their fields say, they have none, and so no trailers. RFC 9112 §6.3. */
const WITHOUT_BODY = new Set([204, 304])
/** RFC 9112 §4: what a reason phrase may hold; the partner's may hold anything. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/
/** Up to here a copy costs less than writing two pieces. */
const STRING_BYTES = 16 * 1024
/** Up to here a body usually arrives in the same read as its head. */
const COALESCED_BYTES = 64 * 1024

function pairs(raw: RawHeaders): [string, string][] {
  const result: [string, string][] = []
  for (let index = 0; index + 1 < raw.length; index += 2) result.push([raw[index] ?? '', raw[index + 1] ?? ''])
  return result
}
