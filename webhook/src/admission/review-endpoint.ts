import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Instrument } from '@aws-outbound-jwt-injector/proxy/runtime'
import { ReviewError } from '../errors.ts'
import type { InjectionRequest } from '../injection/decide.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { readBody } from './body.ts'
import type { ReviewHandler } from './handler.ts'
import type { Load } from './load.ts'
import type { AdmissionObserver } from './observers.ts'

export interface ReviewEndpointDeps {
  readonly handle: ReviewHandler
  readonly load: Load
  /** Gauge of requests whose answer is not complete. */
  readonly inFlight: Instrument<WebhookMetrics['inFlight']>
  readonly observers: readonly AdmissionObserver[]
  /** Whether the process is about to end: answers then ask for a new connection elsewhere. */
  readonly isDraining: () => boolean
}

/** Answers the requests of one mode. */
export type ReviewEndpoint = (
  mode: InjectionRequest['mode'],
) => (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** An API server sends at most 3 MB of object and of old object, and a little around them. */
const LARGEST_BODY_BYTES = 8 * 1024 * 1024
/** `timeoutSeconds` of the registration, unless the request says otherwise. */
const DEFAULT_TIMEOUT_MS = 5_000
/** An answer that comes later than this share of the API server's patience says why, instead of nothing. */
const DEADLINE_SHARE = 0.9

/** Creates the endpoint of reviews, bounded in number, size and time. */
export function createReviewEndpoint(deps: ReviewEndpointDeps): ReviewEndpoint {
  const { handle, load, observers, isDraining } = deps
  const inFlight = deps.inFlight.with({})
  const fail = (response: ServerResponse, error: unknown): void => {
    // What fails after the deadline has answered is its consequence.
    if (response.headersSent) return
    const failure = error instanceof ReviewError ? error : new ReviewError('internal', error)
    for (const observer of observers) observer.failed(failure)
    send(response, failure.status, TEXT, `${failure.message}\n`)
  }
  return (mode) => async (request, response) => {
    if (isDraining()) response.setHeader('Connection', 'close')
    if (!isJson(request)) {
      fail(response, new ReviewError('unsupported-media-type'))
      return
    }
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
    }, deadlineMs(request))
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

/** Parameters are not looked at: JSON is UTF-8, whatever they say (RFC 8259 §8.1, §11). */
function isJson({ headers }: IncomingMessage): boolean {
  return /^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')
}

/** A body of unknown length is taken for the largest. */
function bodyBytes({ headers }: IncomingMessage): number {
  const length = Number(headers['content-length'] ?? LARGEST_BODY_BYTES)
  return Math.min(length, LARGEST_BODY_BYTES)
}

/** The API server says how long it waits: `?timeout=5s`. */
function deadlineMs({ url = '' }: IncomingMessage): number {
  const seconds = /[?&]timeout=([1-9]|[12]\d|30)s(?:&|$)/.exec(url)?.[1]
  return (seconds === undefined ? DEFAULT_TIMEOUT_MS : Number(seconds) * 1000) * DEADLINE_SHARE
}
