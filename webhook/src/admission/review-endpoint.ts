import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Instrument } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { ReviewErrorCode } from '../errors.ts'
import { ReviewError } from '../errors.ts'
import type { InjectionRequest } from '../injection/decide.ts'
import type { WebhookMetrics } from '../metrics.ts'
import type { BodyLimits } from './body.ts'
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
  /** `timeoutSeconds` of the registration, in milliseconds: nobody waits longer, whatever a request says. */
  readonly timeoutMs: number
  /** Whether the process is about to end: answers then ask for a new connection elsewhere. */
  readonly isDraining: () => boolean
}

/** Answers the requests of one mode. */
export type ReviewEndpoint = (
  mode: InjectionRequest['mode'],
) => (request: IncomingMessage, response: ServerResponse) => Promise<void>

/** An API server sends at most 3 MB of object and of old object, and a little around them. It sends them in one go. */
const BODY_LIMITS: BodyLimits = { bytes: 8 * 1024 * 1024, bytesPerSecond: 16 * 1024 }
/** The rest of the body may never come, or would be too much. */
const UNFINISHED: ReadonlySet<ReviewErrorCode> = new Set(['deadline', 'too-slow', 'overloaded'])
/** An answer that comes later than this share of the API server's patience says why, instead of nothing. */
const DEADLINE_SHARE = 0.9

/** Creates the endpoint of reviews, bounded in number, size and time. */
export function createReviewEndpoint(deps: ReviewEndpointDeps): ReviewEndpoint {
  const { handle, load, observers, timeoutMs, isDraining } = deps
  const inFlight = deps.inFlight.with({})
  const fail = (response: ServerResponse, error: unknown): void => {
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
    const place = load.enter(() => body.end(new ReviewError('overloaded')))
    const body = readBody(request, BODY_LIMITS, place.hold)
    inFlight.set(load.requests)
    const timer = setTimeout(() => body.end(new ReviewError('deadline')), deadlineMs(request, timeoutMs))
    response.once('close', () => {
      clearTimeout(timer)
      place.leave()
      inFlight.set(load.requests)
    })
    try {
      const text = await body.text
      send(response, 200, JSON_TYPE, JSON.stringify(handle(text, mode)))
    } catch (error) {
      if (error instanceof ReviewError && UNFINISHED.has(error.code)) response.setHeader('Connection', 'close')
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

/** The API server says how long it waits: `?timeout=5s`. It never waits longer than its registration says. */
function deadlineMs({ url = '' }: IncomingMessage, mostMs: number): number {
  const seconds = /[?&]timeout=([1-9]|[12]\d|30)s(?:&|$)/.exec(url)?.[1]
  return Math.min(seconds === undefined ? mostMs : Number(seconds) * 1000, mostMs) * DEADLINE_SHARE
}
