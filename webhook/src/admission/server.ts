import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { ErrorRequestHandler, Express, RequestHandler } from 'express'
import express from 'express'
import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { describeError } from '@aws-outbound-jwt-injector/proxy/runtime'
import { ReviewError } from '../errors.ts'
import type { InjectionRequest } from '../injection/decide.ts'
import type { WebhookMetrics } from '../metrics.ts'
import type { ReviewHandler } from './handler.ts'

export interface ServerDeps {
  readonly handle: ReviewHandler
  readonly instruments: Metrics<WebhookMetrics>['instruments']
  readonly log: Logger
  readonly certificate: { readonly cert: string; readonly key: string }
  /** Whether the process is about to end: answers then ask for a new connection elsewhere. */
  readonly isDraining: () => boolean
}

/** An API server sends at most 3 MB of object and of old object, and a little around them. */
const LARGEST_BODY = '8mb'
/** The API server keeps idle connections for 90 s; closing one first would lose an admission. kubernetes/kubernetes#127335 */
const KEEP_ALIVE_MS = 120_000
const HEADERS_MS = 10_000
const REQUEST_MS = 15_000

/** Paths tell the mode, because both registrations send the same request. */
const MODES: Readonly<Record<string, InjectionRequest['mode']>> = { '/mutate': 'pod', '/mutate/namespace': 'namespace' }

/** Creates the HTTPS server for admission. The caller listens and closes. */
export function createAdmissionServer(deps: ServerDeps): Server {
  const server = createServer(
    {
      ...deps.certificate,
      minVersion: 'TLSv1.2',
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
    },
    createApp(deps),
  )
  return server
}

function createApp({ handle, instruments, log, isDraining }: ServerDeps): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.use(express.text({ limit: LARGEST_BODY, type: () => true }))
  for (const [path, mode] of Object.entries(MODES)) {
    const review: RequestHandler = (request, response) => {
      if (isDraining()) response.setHeader('Connection', 'close')
      response.json(handle(typeof request.body === 'string' ? request.body : '', mode))
    }
    app.post(path, review)
  }
  // Express tells error handlers by their four parameters.
  const onError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    const failure = toReviewError(error)
    instruments.errors.with({ code: failure.code }).add()
    log.error('review not answered', { code: failure.code, error: describeError(failure.cause ?? failure) })
    if (response.headersSent) next(error)
    else response.status(failure.status).type('text/plain').send(`${failure.message}\n`)
  }
  app.use(onError)
  return app
}

function toReviewError(error: unknown): ReviewError {
  if (error instanceof ReviewError) return error
  const tooLarge = error instanceof Error && (error as { type?: unknown }).type === 'entity.too.large'
  return new ReviewError(tooLarge ? 'too-large' : 'internal', error)
}
