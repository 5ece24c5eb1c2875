import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { ErrorRequestHandler, Express, RequestHandler, Response } from 'express'
import express from 'express'
import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { describeError } from '@aws-outbound-jwt-injector/proxy/runtime'
import { ReviewError } from '../errors.ts'
import type { InjectionRequest } from '../injection/decide.ts'
import type { WebhookMetrics } from '../metrics.ts'
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
const MODES: Readonly<Record<string, InjectionRequest['mode']>> = { '/mutate': 'pod', '/mutate/namespace': 'namespace' }

/** Creates the HTTPS server for admission, without a certificate: handshakes fail until one is installed. The caller listens and closes. */
export function createAdmissionServer(deps: ServerDeps): Server {
  return createServer(
    { minVersion: 'TLSv1.2', keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS },
    createApp(deps),
  )
}

/** Takes a certificate into use for connections to come. */
export function installCertificate(
  server: Server,
  { cert, key }: { readonly cert: string; readonly key: string },
): void {
  server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' })
}

function createApp(deps: ServerDeps): Express {
  const app = express()
  const fail = createFailure(deps)
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(bounded(deps, fail), express.text({ limit: LARGEST_BODY_BYTES, type: () => true, inflate: false }))
  for (const [path, mode] of Object.entries(MODES)) {
    const review: RequestHandler = (request, response) => {
      if (response.headersSent) return
      response.json(deps.handle(typeof request.body === 'string' ? request.body : '', mode))
    }
    app.post(path, review)
  }
  // Express tells error handlers by their four parameters.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    // The deadline has answered; what fails afterwards is its consequence.
    if (response.headersSent) next(error)
    else fail(response, toReviewError(error))
  }
  app.use(onError)
  return app
}

type Fail = (response: Response, failure: ReviewError) => void

function createFailure({ instruments, log }: ServerDeps): Fail {
  return (response, failure) => {
    instruments.errors.with({ code: failure.code }).add()
    log.error('review not answered', { code: failure.code, error: describeError(failure.cause ?? failure) })
    response.status(failure.status).type('text/plain').send(`${failure.message}\n`)
  }
}

/** Bounds every request in number, size and time, and ends connections politely while draining. */
function bounded({ load, instruments, isDraining }: ServerDeps, fail: Fail): RequestHandler {
  const inFlight = instruments.inFlight.with({})
  return (request, response, next) => {
    if (isDraining()) response.setHeader('Connection', 'close')
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
    }, deadlineMs(request.query['timeout']))
    response.once('close', () => {
      clearTimeout(timer)
      release()
      inFlight.set(load.requests)
    })
    next()
  }
}

/** A body of unknown length is taken for the largest. */
function bodyBytes({ headers }: IncomingMessage): number {
  const length = Number(headers['content-length'] ?? LARGEST_BODY_BYTES)
  return Math.min(length, LARGEST_BODY_BYTES)
}

/** The API server says how long it waits: `?timeout=5s`. */
function deadlineMs(timeout: unknown): number {
  const seconds = typeof timeout === 'string' ? /^([1-9]|[12]\d|30)s$/.exec(timeout)?.[1] : undefined
  return (seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000) * DEADLINE_SHARE
}

function toReviewError(error: unknown): ReviewError {
  if (error instanceof ReviewError) return error
  // Of the body parser: errors of http-errors, whose status blames the request or us.
  const { type, status } = error instanceof Error ? (error as { type?: unknown; status?: unknown }) : {}
  if (type === 'entity.too.large') return new ReviewError('too-large', error)
  return new ReviewError(typeof status === 'number' && status < 500 ? 'unreadable' : 'internal', error)
}
