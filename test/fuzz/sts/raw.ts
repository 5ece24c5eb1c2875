// What anything that stands in the place of AWS may say.
import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'
import { PACES, createHead } from '../raw/answer.ts'
import type { RawAnswer } from '../raw/answer.ts'

export const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'
export const OK = 'HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nDate: %DATE%\r\n'

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
