// What a client of HTTP/2 may write: requests from a grammar, and frames that have no business where they are.
import { END_HEADERS, END_STREAM, FRAME, PREFACE, frame, literals } from '../../support/proxy/http2-frames.ts'
import type { Random } from '../random.ts'
import { SMUGGLED } from '../requests/script.ts'

type Field = readonly [name: string, value: string]

/** Of no kind there is. RFC 9113 §5.5. */
const UNKNOWN_FRAME = 0x42
const PADDED = 8

const METHODS = [
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'get',
  'G T',
  'GET / HTTP/1.1\r\nX:',
  '',
  'PRI',
]
const PATHS = [
  '/ok',
  '*',
  '',
  'http://evil.example/',
  '//evil.example/',
  '/a b',
  '/a\r\nx-injected: 1',
  '/\0',
  '/\xff',
  '/?q#f',
  'x',
  `/${'a'.repeat(70_000)}`,
]
const SCHEMES = ['https', 'http', '', 'ftp']

const SOUND_FIELDS: readonly Field[] = [
  ['te', 'trailers'],
  ['cookie', 'a=1'],
  ['cookie', 'b=2'],
  ['x', 'y'],
  ['x', '\xe9\xff'],
  ['authorization', 'Basic eA=='],
  ['content-type', 'application/grpc'],
  ['grpc-timeout', '1S'],
]
/** RFC 9113 §8.2 and §8.3 forbid nearly all of them. */
const ODD_FIELDS: readonly Field[] = [
  ['connection', 'close, authorization'],
  ['transfer-encoding', 'chunked'],
  ['te', 'gzip'],
  ['upgrade', 'h2c'],
  ['proxy-connection', 'keep-alive'],
  ['keep-alive', '1'],
  ['host', 'evil.example'],
  ['Host', 'evil.example'],
  ['content-length', '5'],
  ['content-length', '0'],
  ['content-length', '5, 5'],
  ['content-length', '99999999999999999999'],
  ['x', 'a\r\nx-injected: 1'],
  ['x\r\nx-injected', '1'],
  ['x: 1\r\nx-injected', '1'],
  ['x', 'a\0b'],
  ['x', '  spaced  '],
  ['', 'x'],
  [' x', 'y'],
  ['authorization', ''],
  ['proxy-authorization', 'Basic eA=='],
  [':protocol', 'websocket'],
  [':status', '200'],
  [':evil', '1'],
  ['expect', '100-continue'],
  ['expect', 'nothing'],
  ['x', 'a'.repeat(20_000)],
]
const BODIES = [SMUGGLED, 'abcd', '', '\0\0\0\0\x05hello', '5\r\nhello\r\n0\r\n\r\n', 'x'.repeat(16_384)]

/** @returns everything one client writes inside of TLS. */
export function createFrames(random: Random, authority: string): Buffer {
  const begins = random.chance(0.97) ? PREFACE : PREFACE.subarray(random.below(PREFACE.length))
  const pieces = [begins, settings(random)]
  let stream = 1
  for (let requests = 1 + random.below(4); requests > 0; requests--) {
    pieces.push(...createRequest(random, stream, authority))
    if (random.chance(0.2)) pieces.push(stray(random, stream, authority))
    stream = Math.max(1, stream + (random.chance(0.95) ? 2 : random.pick([-2, 0, 1, 1000])))
  }
  return Buffer.concat(pieces)
}

function settings(random: Random): Buffer {
  if (random.chance(0.8)) return frame(FRAME.settings, 0, 0)
  const payload = Buffer.alloc(6)
  payload.writeUInt16BE(random.pick([1, 2, 3, 4, 5, 6, 8, 99]), 0)
  payload.writeUInt32BE(random.pick([0, 1, 100, 16_384, 65_535, 2 ** 31, 2 ** 32 - 1]), 2)
  return frame(FRAME.settings, 0, 0, payload)
}

function createRequest(random: Random, stream: number, authority: string): readonly Buffer[] {
  const hasBody = random.chance(0.5)
  const head = headers(random, stream, literals(createFields(random, authority, hasBody)), !hasBody)
  if (!hasBody) return head
  const data = Array.from({ length: random.below(3) }, () => dataFrame(random, stream, random.pick(BODIES)))
  const end = random.pick(['data', 'data', 'trailers', 'nothing'] as const)
  if (end === 'data') data.push(frame(FRAME.data, END_STREAM, stream))
  if (end === 'trailers')
    data.push(...headers(random, stream, literals([random.pick([...SOUND_FIELDS, ...ODD_FIELDS])]), true))
  return [...head, ...data]
}

/** Sound by nine in ten; an odd one is odd in one place. */
function createFields(random: Random, authority: string, hasBody: boolean): readonly Field[] {
  const fields: Field[] = [
    [':method', hasBody ? 'POST' : 'GET'],
    [':scheme', 'https'],
    [':authority', authority],
    [':path', '/ok'],
    ...Array.from({ length: random.below(3) }, () => random.pick(SOUND_FIELDS)),
  ]
  if (random.chance(0.5)) return fields
  const at = random.below(fields.length)
  const change = random.below(6)
  if (change === 0) fields.splice(at, 1)
  else if (change === 1) fields.push(fields[at]!)
  else if (change === 2) fields.unshift(fields.splice(at, 1)[0]!)
  else if (change === 3) fields[at % 4] = oddPseudo(random, at % 4, authority)
  else if (change === 4) fields.push(...Array.from({ length: 210 }, (_, index): Field => [`x-${index}`, 'y']))
  else fields.push(random.pick(ODD_FIELDS))
  return fields
}

function oddPseudo(random: Random, which: number, authority: string): Field {
  const bare = authority.replace(/:\d+$/, '')
  const authorities = [
    'evil.example',
    '',
    `user@${authority}`,
    bare,
    authority.toUpperCase(),
    authority.replace(':', '.:'),
    `${authority}\r\nx: y`,
  ]
  const choices: readonly (readonly [string, readonly string[]])[] = [
    [':method', METHODS],
    [':scheme', SCHEMES],
    [':authority', authorities],
    [':path', PATHS],
  ]
  const [name, values] = choices[which]!
  return [name, random.pick(values)]
}

/** A head in one frame, or cut into several. RFC 9113 §6.10. */
function headers(random: Random, stream: number, block: Buffer, ends: boolean): readonly Buffer[] {
  const last = ends ? END_STREAM : 0
  const most = 16_384
  if (block.length <= most && random.chance(0.8)) return [frame(FRAME.headers, END_HEADERS | last, stream, block)]
  const cuts = [0, Math.min(most, 1 + random.below(block.length))]
  while (cuts.at(-1)! < block.length) cuts.push(Math.min(block.length, cuts.at(-1)! + most))
  return cuts.slice(1).map((end, index) => {
    const isEnd = end === block.length
    const flags = (isEnd ? END_HEADERS : 0) | (index === 0 ? last : 0)
    return frame(index === 0 ? FRAME.headers : FRAME.continuation, flags, stream, block.subarray(cuts[index], end))
  })
}

function dataFrame(random: Random, stream: number, text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (random.chance(0.8)) return frame(FRAME.data, 0, stream, bytes.subarray(0, 16_384))
  const padding = random.pick([0, 3, 255])
  return frame(
    FRAME.data,
    PADDED,
    stream,
    Buffer.concat([Buffer.of(padding), bytes.subarray(0, 1_000), Buffer.alloc(Math.min(padding, 3))]),
  )
}

/** A frame of another kind, on a stream that may not be there, of a length that may be wrong. */
function stray(random: Random, stream: number, authority: string): Buffer {
  const on = random.pick([stream, stream, 0, stream + 100, 2, 2 ** 31 - 1])
  const number = (value: number): Buffer => {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return bytes
  }
  return random.pick([
    () => frame(FRAME.rstStream, 0, on, number(random.pick([0, 7, 8, 99]))),
    () => frame(FRAME.ping, random.below(2), on, Buffer.alloc(random.pick([8, 8, 7]))),
    () => frame(FRAME.windowUpdate, 0, on, number(random.pick([0, 1, 2 ** 31 - 1, 2 ** 32 - 1]))),
    () => frame(FRAME.goaway, 0, on, Buffer.concat([number(0), number(random.below(14))])),
    () => frame(FRAME.priority, 0, on, Buffer.alloc(random.pick([5, 4]))),
    () => frame(FRAME.pushPromise, END_HEADERS, on, Buffer.concat([number(2), literals([[':path', '/']])])),
    () => frame(UNKNOWN_FRAME, random.below(256), on, Buffer.alloc(random.below(20))),
    () => frame(FRAME.continuation, END_HEADERS, on, literals([[':authority', authority]])),
    () => frame(FRAME.data, END_STREAM, on, Buffer.from(SMUGGLED)),
    () => frame(FRAME.settings, 1, on),
  ])()
}
