import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { describeError } from '@aws-outbound-jwt-injector/proxy/runtime'
import { ReviewError } from '../errors.ts'
import type { InjectionRequest } from '../injection/decide.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { readBody } from './body.ts'
import type { ReviewHandler } from './handler.ts'
import type { Load } from './load.ts'

export interface ServerDeps {
  readonly handle: ReviewHandler
  readonly load: Load
  readonly instruments: Metrics<WebhookMetrics>['instruments']
  readonly log: Logger
  /** Whether the process is about to end: answers then ask for a new connection elsewhere. */
  readonly isDraining: () => boolean
}

type Mode = InjectionRequest['mode']

/** An API server sends at most 3 MB of object and of old object, and a little around them. */
const LARGEST_BODY_BYTES = 8 * 1024 * 1024
/** The API server keeps idle connections for 90 s; closing one first would lose an admission. kubernetes/kubernetes#127335 */
const KEEP_ALIVE_MS = 120_000
const HEADERS_MS = 10_000
const REQUEST_MS = 15_000
/** `timeoutSeconds` of the registration, unless the request says otherwise. */
const DEFAULT_TIMEOUT_MS = 5_000
/** An answer that comes later than this share of the API server's patience says why, instead of nothing. */
const DEADLINE_SHARE = 0.9

/** Paths tell the mode, because both registrations send the same request. */
const MODES: ReadonlyMap<string, Mode> = new Map([
  ['/mutate', 'pod'],
  ['/mutate/namespace', 'namespace'],
])
const NOT_FOUND = `reviews are answered at POST ${[...MODES.keys()].join(' and POST ')}\n`

/** Creates the HTTPS server for admission, without a certificate: handshakes fail until one is installed. The caller listens and closes. */
export function createAdmissionServer(deps: ServerDeps): Server {
  return createServer(
    { minVersion: 'TLSv1.2', keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
    createListener(deps),
  )
}

/** Takes a certificate into use for connections to come. */
export function installCertificate(
  server: Server,
  { cert, key }: { readonly cert: string; readonly key: string },
): void {
  server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' })
}

function createListener(deps: ServerDeps): RequestListener {
  const review = createReview(deps)
  return (request, response) => {
    if (deps.isDraining()) response.setHeader('Connection', 'close')
    const [path = '', query] = (request.url ?? '').split('?', 2)
    const mode = request.method === 'POST' ? MODES.get(path) : undefined
    if (mode === undefined) send(response, 404, TEXT, NOT_FOUND)
    else void review(request, response, { mode, deadlineMs: deadlineMs(query) })
  }
}

interface Terms {
  readonly mode: Mode
  readonly deadlineMs: number
}

type Review = (request: IncomingMessage, response: ServerResponse, terms: Terms) => Promise<void>

/** Answers a review, bounded in number, size and time. */
function createReview({ handle, load, instruments, log }: ServerDeps): Review {
  const inFlight = instruments.inFlight.with({})
  const fail = (response: ServerResponse, error: unknown): void => {
    // What fails after the deadline has answered is its consequence.
    if (response.headersSent) return
    const failure = error instanceof ReviewError ? error : new ReviewError('internal', error)
    instruments.errors.with({ code: failure.code }).add()
    log.error('review not answered', { code: failure.code, error: describeError(failure.cause ?? failure) })
    send(response, failure.status, TEXT, `${failure.message}\n`)
  }
  return async (request, response, { mode, deadlineMs }) => {
    const release = load.admit(bodyBytes(request))
    if (!release) {
      fail(response, new ReviewError('overloaded'))
      return
    }
    inFlight.set(load.requests)
    const timer = setTimeout(() => {
      // The rest of the body may never come.
      response.setHeader('Connection', 'close')
      fail(response, new ReviewError('deadline'))
    }, deadlineMs)
    response.once('close', () => {
      clearTimeout(timer)
      release()
      inFlight.set(load.requests)
    })
    try {
      const body = await readBody(request, LARGEST_BODY_BYTES)
      if (!response.headersSent) send(response, 200, JSON_TYPE, JSON.stringify(handle(body, mode)))
    } catch (error) {
      fail(response, error)
    }
  }
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json'

/** Head and body leave in one write. */
function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

/** A body of unknown length is taken for the largest. */
function bodyBytes({ headers }: IncomingMessage): number {
  const length = Number(headers['content-length'] ?? LARGEST_BODY_BYTES)
  return Math.min(length, LARGEST_BODY_BYTES)
}

/** The API server says how long it waits: `?timeout=5s`. */
function deadlineMs(query: string | undefined): number {
  const seconds = query === undefined ? undefined : /(?:^|&)timeout=([1-9]|[12]\d|30)s(?:&|$)/.exec(query)?.[1]
  return (seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000) * DEADLINE_SHARE
}
