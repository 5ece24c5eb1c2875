import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'
import { CANARY, createPod, garble } from './pods.ts'
import { createWorkload } from './workloads.ts'

/** What a client writes to the webhook over TLS. One character of text is one byte. */
export type ReviewCase =
  /** A request whose framing is sound, as the API server sends it; the body may be anything. */
  | { readonly path: string; readonly body: string }
  /** Bytes as they are; then the client says no more, ends its side, or is gone. */
  | { readonly bytes: string; readonly pieces: number; readonly end: 'wait' | 'end' | 'reset' }

const PATHS = ['/mutate', '/mutate', '/mutate/namespace', '/warn', '/warn/namespace']
/** A long deadline for what comes whole, on a busy machine; a short one for what never comes. */
const PATIENT = '?timeout=30s'
const IMPATIENT = '?timeout=1s'
const OTHER_PATHS = [
  '/',
  '/mutate/',
  '/mutate/other',
  '/warn/',
  '/warn/pod',
  '/mutate?timeout=9999999999s',
  '/mutate?timeout[]=1s&timeout=x',
  '//mutate',
  '/%6dutate',
  '/mutate%00',
]

/** What JSON parsers stumble over. */
const WORDS: readonly string[] = [
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '\\',
    '\\u0000',
    '\\ud800',
    '\\ud800\\udc00',
    '\\u',
    'null',
    'true',
    '\0',
    '\xff\xfe',
    '\xed\xa0\x80',
  ],
  ...[
    '1e999999',
    '-0',
    '-1e-999',
    '0x1',
    '01',
    '9'.repeat(400),
    'NaN',
    '"__proto__":{"containers":[]},',
    '"spec":null,',
  ],
  ...['"uid":"other",', '"metadata":{},', '"containers":[],', '//', '\ufeff', '[['.repeat(1_000), '{"a":'.repeat(500)],
]
const DEEP = 200_000

export function createReviewCase(random: Random): ReviewCase {
  const path = random.pick(PATHS) + PATIENT
  const what = random.below(10)
  if (what < 4) return { path, body: bytesOf(createReview(random, path)) }
  if (what < 6) return { path, body: bytesOf(garble(createReview(random, path), random)) }
  if (what < 8) return { path, body: createBrokenText(random, path) }
  return createBrokenWire(random)
}

/** What the path is for, and now and then what it is not for. */
function createReview(random: Random, path: string): object {
  const isOfPod = path.startsWith('/mutate') !== random.chance(0.05)
  const object = isOfPod ? createPod(random) : createWorkload(random)
  const request = {
    uid: `${random.below(2 ** 32)}-${random.below(2 ** 32)}`,
    kind: isOfPod ? { group: '', version: 'v1', kind: 'Pod' } : { group: 'apps', version: 'v1', kind: 'Deployment' },
    namespace: 'shop',
    operation: random.chance(0.95) ? 'CREATE' : random.pick(['UPDATE', 'DELETE', 'create', '']),
    object,
  }
  return { kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }
}

const bytesOf = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('latin1')

/** JSON that is almost right, or far from it. A garbled text may put a secret where logs name things, so there is none in it. */
function createBrokenText(random: Random, path: string): string {
  const text = bytesOf(createReview(random, path)).replaceAll(CANARY, 'not-so-secret')
  switch (random.below(12)) {
    case 0:
      return '['.repeat(DEEP)
    case 1:
      return `${text.slice(0, -1)},"more":${'['.repeat(DEEP)}${']'.repeat(DEEP)}}`
    case 2:
      return ' '.repeat(random.chance(0.9) ? 100_000 : 9_000_000) + text
    case 3:
      return Buffer.from(Array.from({ length: random.below(2_000) }, () => random.below(256))).toString('latin1')
    default:
      return applyMutations(text, createMutations(random, 4, WORDS))
  }
}

const METHODS = ['GET', 'PUT', 'OPTIONS', 'HEAD', 'TRACE', 'CONNECT', 'post', 'PRI']
const FIELDS = [
  'Content-Type: application/json; charset=utf-16',
  'Content-Type: application/json; charset=x-none',
  'Content-Type: multipart/form-data',
  'Content-Type:',
  'Content-Encoding: gzip',
  'Content-Encoding: br, gzip',
  'Expect: 100-continue',
  'Expect: nothing',
  'Upgrade: h2c',
  'Connection: close, upgrade',
  'Connection: keep-alive',
  'X: a\0b',
  'X: a\rb',
  ' folded',
  ': nameless',
  `X: ${'a'.repeat(20_000)}`,
  Array.from({ length: 2_100 }, (_, index) => `X-${index}: y`).join('\r\n'),
]
const FRAMINGS: readonly ((body: string) => readonly [field: string, body: string])[] = [
  (body) => [`Content-Length: ${body.length}`, body],
  (body) => [`Content-Length: ${body.length + 10}`, body],
  (body) => [`Content-Length: ${Math.max(0, body.length - 10)}`, body],
  (body) => ['Content-Length: 99999999999999999999', body],
  (body) => ['Content-Length: -1', body],
  (body) => [`Content-Length: ${body.length}\r\nContent-Length: 0`, body],
  (body) => [`Content-Length: ${body.length}\r\nTransfer-Encoding: chunked`, body],
  (body) => ['Transfer-Encoding: chunked', `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
  (body) => ['Transfer-Encoding: chunked', `${body.length.toString(16)};a=b\r\n${body}\r\n0\r\nX: y\r\n\r\n`],
  (body) => ['Transfer-Encoding: chunked', `${(body.length + 9).toString(16)}\r\n${body}\r\n0\r\n\r\n`],
  (body) => ['Transfer-Encoding: chunked', `fffffffffffffffff\r\n${body}`],
  (body) => ['Transfer-Encoding: gzip, chunked', body],
  (body) => ['X: unframed', body],
]

/** A request whose head or framing is not what the API server sends. */
function createBrokenWire(random: Random): ReviewCase {
  const path = random.chance(0.8) ? random.pick(PATHS) + IMPATIENT : random.pick(OTHER_PATHS)
  const text = bytesOf(createReview(random, path)).replaceAll(CANARY, 'not-so-secret')
  const [framing, body] = random.pick(FRAMINGS)(text)
  const method = random.chance(0.9) ? 'POST' : random.pick(METHODS)
  const fields = Array.from({ length: random.below(3) }, () => random.pick(FIELDS))
  const type = random.chance(0.9) ? ['Content-Type: application/json'] : []
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: webhook', ...type, framing, ...fields, 'Connection: close']
  const head = `${lines.join('\r\n')}\r\n\r\n`
  const isGarbled = random.chance(0.3)
  const bytes = isGarbled
    ? applyMutations(head + body, createMutations(random, 3, ['\r\n', '\n', ' ', ':']))
    : head + body
  // A head that never ends is missed after tens of seconds; whoever garbles it does not wait for that.
  return {
    bytes,
    pieces: 1 + random.below(4),
    end: random.pick(isGarbled ? ['end', 'reset'] : ['wait', 'wait', 'end', 'reset']),
  }
}
