// What anything that stands in the place of AWS may say, as data.
import { applyMutations, createMutations } from '../bytes.ts'
import type { Mutation } from '../bytes.ts'
import type { Random } from '../random.ts'

/** One answer: bytes made at the time of the call, then changed, then said at some pace. */
export interface RawAnswer {
  readonly head: string
  /** `%TOKEN%`, `%EXPIRATION%` and, in the head, `%DATE%` stand for what is made when the call comes. */
  readonly body: string
  readonly mutations: readonly Mutation[]
  readonly pace: Pace
}

export type Pace = (typeof PACES)[number]

/** All at once, byte by byte until nobody listens, half of it and then silence, half of it and then an end or a reset. */
const PACES = ['whole', 'drip', 'stall', 'end', 'reset', 'reset at once'] as const

export const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
export const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nDate: %DATE%\r\n'

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
const CODES = [
  'AccessDenied',
  'ExpiredToken',
  'SessionDurationEscalationException',
  'OutboundWebIdentityFederationDisabledException',
  'Throttling',
  'InternalFailure',
].concat([
  'RequestTimeTooSkewed',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'ValidationError',
  'JWTPayloadSizeExceededException',
  '__proto__',
  'constructor',
  'toString',
  '<a>x</a>',
  '',
])

/** What an XML parser stumbles over. */
const WORDS: readonly string[] = [
  ...[
    '<',
    '>',
    '</',
    '/>',
    '&',
    '&lt;',
    '&#0;',
    '&#x110000;',
    '&x;',
    '<![CDATA[',
    ']]>',
    '<!--',
    '-->',
    '<?xml version="1.1"?>',
    '\0',
    '\xff',
    '\r\n',
  ],
  ...[
    '<WebIdentityToken>',
    '</WebIdentityToken>',
    '<Error><Code>X</Code></Error>',
    'xmlns="other"',
    '<__proto__>x</__proto__>',
    '.',
    '=',
    '%',
  ],
  ...['<a>'.repeat(2_000), 'x'.repeat(50_000), '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>', '%TOKEN%'],
]
/** @returns an answer with another body, pace or head, an error, or bytes that changed. */
export function createOddAnswer(random: Random, sound: RawAnswer, bodies: readonly string[]): RawAnswer {
  switch (random.below(5)) {
    case 0:
      return { ...sound, body: random.pick(bodies) }
    case 1:
      return { ...sound, pace: random.pick(PACES) }
    case 2:
      return { ...sound, head: createHead(random), body: random.chance(0.5) ? sound.body : random.pick(bodies) }
    case 3:
      return { ...sound, head: OK.replace('200 OK', '400 Bad Request'), body: errorBody(random) }
    default:
      return { ...sound, mutations: createMutations(random, 3, WORDS) }
  }
}

function createHead(random: Random): string {
  const fields = Array.from({ length: random.below(3) }, () => `${random.pick(FIELDS)}\r\n`)
  return `${random.pick(STATUS_LINES)}\r\n${fields.join('')}`
}

function errorBody(random: Random): string {
  const message = random.pick([
    'in the words of AWS',
    '%TOKEN%',
    '',
    'x'.repeat(100_000),
    '\u2028\0',
    'region is missing',
    '<a>x</a>',
  ])
  const body = `<ErrorResponse xmlns="${NAMESPACE}"><Error><Type>Sender</Type><Code>${random.pick(CODES)}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`
  return random.chance(0.7) ? body : applyMutations(body, createMutations(random, 2, WORDS))
}
