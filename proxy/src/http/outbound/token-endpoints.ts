import type { Dispatcher } from 'undici'
import { ProxyError } from '../../errors.ts'
import { TokenFailure, egressFailure } from '../../tokens/failures.ts'
import { LARGEST_ANSWER_BYTES } from '../../tokens/exchanges/endpoint.ts'
import type { CallEndpoint, EndpointAnswer, EndpointRequest } from '../../tokens/exchanges/endpoint.ts'
import { Connection } from './connection.ts'
import { upstreamFailure } from './failure.ts'
import type { Phase } from './failure.ts'
import type { Upstreams } from './upstreams.ts'

interface EndpointsDeps {
  readonly upstreams: Pick<Upstreams, 'connector'>
  /** PEM by path, read at start. */
  readonly anchors: ReadonlyMap<string, string>
  /** Of the Unix epoch. */
  readonly nowMs: () => number
}

/** Header fields of an answer; more than any server sends. */
const HEAD_BYTES = 32 * 1024

/** Calls token endpoints, each call on a connection of its own: there are a few an hour. */
export function createEndpointClient({ upstreams, anchors, nowMs }: EndpointsDeps): CallEndpoint {
  return async (request, signal) => {
    const { origin, host, hostname, port } = new URL(request.url)
    const ca = request.caFile === undefined ? undefined : anchors.get(request.caFile)
    // SECURITY: never other anchors than were asked for.
    if (request.caFile !== undefined && ca === undefined) throw new TypeError(`${request.caFile} was not read at start`)
    try {
      const connect = upstreams.connector(hostname.replace(/^\[|\]$/g, ''), port === '' ? 443 : Number(port), ca)
      const owner = { origin, connect, settled: () => undefined, forget: () => undefined }
      const connection = new Connection(owner, { allowH2: false, pipelining: 1, maxHeaderSize: HEAD_BYTES }, nowMs)
      return await answered(connection, dispatched(request, host), nowMs, signal)
    } catch (error) {
      signal.throwIfAborted()
      throw failureOf(error, hostname)
    }
  }
}

async function answered(
  connection: Connection,
  options: Dispatcher.DispatchOptions,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<EndpointAnswer> {
  const destroy = (): void => {
    if (!connection.abandon()) connection.destroy().catch(() => undefined)
  }
  signal.addEventListener('abort', destroy, { once: true })
  try {
    signal.throwIfAborted()
    return await new Promise((resolve, reject) => {
      connection.dispatch(options, new Answer(nowMs, resolve, reject))
    })
  } finally {
    signal.removeEventListener('abort', destroy)
    destroy()
  }
}

function dispatched({ url, headers, body }: EndpointRequest, host: string): Dispatcher.DispatchOptions {
  const { pathname, search } = new URL(url)
  return { method: 'POST', path: `${pathname}${search}`, headers: { host, ...headers }, body: Buffer.from(body) }
}

/** SECURITY: only the code of an error goes along, never the message of a library, which may quote what was sent. */
function failureOf(error: unknown, host: string): TokenFailure {
  const known = error instanceof TokenFailure ? error : egressFailure(error)
  if (known) return known
  const { message } = error instanceof ProxyError ? error : upstreamFailure(error, 'connecting')
  return new TokenFailure('exchange_unreachable', `${host}: ${message}`)
}

/** Collects one answer. */
class Answer implements Dispatcher.DispatchHandler {
  private readonly nowMs: () => number
  private readonly resolve: (answer: EndpointAnswer) => void
  private readonly reject: (error: Error) => void
  // Drops a byte order mark, as RFC 8259 §8.1 allows.
  private readonly decoder = new TextDecoder()
  private body = ''
  private bytes = 0
  private phase: Phase = 'connecting'
  private status = 0
  private retryAfterMs: number | undefined

  constructor(nowMs: () => number, resolve: (answer: EndpointAnswer) => void, reject: (error: Error) => void) {
    this.nowMs = nowMs
    this.resolve = resolve
    this.reject = reject
  }

  onRequestStart(): void {
    this.phase = 'waiting'
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    this.status = status
    this.phase = 'receiving'
    this.retryAfterMs = readRetryAfter(headers['retry-after'], this.nowMs())
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes > LARGEST_ANSWER_BYTES)
      controller.abort(new TokenFailure('unusable_answer', `the answer has more than ${LARGEST_ANSWER_BYTES} bytes`))
    // SECURITY: not a list of chunks, which in an answer of one byte each take a hundred times their size.
    else this.body += this.decoder.decode(chunk, { stream: true })
  }

  onResponseEnd(): void {
    const body = this.body + this.decoder.decode()
    this.resolve({ status: this.status, retryAfterMs: this.retryAfterMs, body })
  }

  onResponseError(_: Dispatcher.DispatchController | null, error: Error): void {
    this.reject(error instanceof TokenFailure ? error : upstreamFailure(error, this.phase))
  }
}

/** @returns milliseconds; a date counts from now. RFC 9110 §10.2.3. */
function readRetryAfter(value: string | readonly string[] | undefined, nowMs: number): number | undefined {
  if (typeof value !== 'string') return undefined
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return ms > 0 ? ms : undefined
}
