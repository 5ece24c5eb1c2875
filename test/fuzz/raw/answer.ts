// What a server may say in the place of an answer, as data.
import type { Mutation } from '../bytes.ts'
import type { Random } from '../random.ts'

/** One answer: bytes made at the time of the call, then changed, then said at some pace. */
export interface RawAnswer {
  readonly head: string
  /** Names between percent signs, such as `%TOKEN%`, stand for what is made when the call comes; in the head `%DATE%`. */
  readonly body: string
  readonly mutations: readonly Mutation[]
  readonly pace: Pace
}

/** All at once, byte by byte until nobody listens, half of it and then silence, half of it and then an end or a reset; or all of it, and then more without an end. */
export type Pace = (typeof PACES)[number] | 'flood'

/** Those that a client without a limit of its own gets over. */
export const PACES = ['whole', 'drip', 'stall', 'end', 'reset', 'reset at once'] as const

const STATUS_LINES = [
  'HTTP/1.1 200 OK',
  'HTTP/1.1 204 No Content',
  'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/',
  'HTTP/1.1 400 Bad Request',
]
  .concat([
    'HTTP/1.1 403 Forbidden',
    'HTTP/1.1 429 Slow',
    'HTTP/1.1 500 Oops',
    'HTTP/1.1 503 Busy',
    'HTTP/1.1 999 What',
    'HTTP/1.0 200 OK',
  ])
  .concat([
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK',
    'HTTP/2 200',
    'ICY 200 OK',
    '',
    '\0',
  ])
const FIELDS = [
  'Content-Type: text/html',
  'Content-Type: application/json',
  'Content-Encoding: gzip',
  'Transfer-Encoding: chunked',
  'Content-Length: 5',
]
  .concat([
    'Content-Length: 999999',
    'Content-Length: -1',
    'Date: Tue, 01 Jan 2099 00:00:00 GMT',
    'Date: Thu, 01 Jan 1970 00:00:00 GMT',
    'Date: never',
  ])
  .concat([
    'Retry-After: 999999',
    'x-amz-retry-after: 999999',
    'x-amzn-errortype: ExpiredToken',
    'x-amzn-query-error: A;B',
    `X: ${'a'.repeat(20_000)}`,
    'X: a\0b',
  ])

/** @returns a status line, and perhaps header fields, each with its line end. */
export function createHead(random: Random): string {
  const fields = Array.from({ length: random.below(3) }, () => `${random.pick(FIELDS)}\r\n`)
  return `${random.pick(STATUS_LINES)}\r\n${fields.join('')}`
}
