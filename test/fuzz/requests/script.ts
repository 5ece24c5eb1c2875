import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'

/** What a client writes: pieces of bytes, one write each; one character is one byte. */
export type Script = readonly string[]

export interface Hosts {
  /** `host:port` that gets the token. */
  readonly rule: string
  /** `host:port` without a rule. */
  readonly plain: string
}

/** A request in origin form, which the proxy never serves: whoever sees its line as a request was talked to past the proxy. */
export const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'QUERY', 'TRACE', 'get', 'G\0T', 'PRI']
/** Fields and a body that fit together. */
const FRAMINGS: readonly (readonly [fields: readonly string[], body: string])[] = [
  [[], ''],
  [['Content-Length: 0'], ''],
  [[`Content-Length: ${SMUGGLED.length}`], SMUGGLED],
  [['Transfer-Encoding: chunked'], `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`],
  [['Transfer-Encoding: chunked'], `4;ext="${SMUGGLED.length}"\r\nabcd\r\n0\r\nX: trailer\r\n\r\n`],
  [['Content-Length: 70000'], SMUGGLED.padEnd(70_000)],
  [['Expect: 100-continue', 'Content-Length: 4'], 'abcd'],
]
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/0.9', 'http/1.1', 'HTTP/1.1 ', '']
const ENDS = ['\r\n', '\r\n', '\r\n', '\n', '\r', '\r\r\n', '\n\r\n', '']

const targets = ({ rule, plain }: Hosts): readonly string[] => [
  `http://${rule}/path?q=1`,
  `http://${rule.replace(/:\d+$/, '')}/`,
  `https://${rule}/`,
  `HTTP://${rule.toUpperCase()}/`,
  `http://${rule.replace(':', '.:')}/`,
  `http://${plain}/path`,
  `http://${plain}?q`,
  `http://user:pass@${plain}/`,
  `http://${rule}@${plain}/`,
  `http://${plain}#@${rule}/`,
  `http://${plain}\\@${rule}/`,
  `http://${rule}%00.${plain}/`,
  `http://${rule}\t.${plain}/`,
  `http://${plain}/@${rule}/`,
  `http:${rule}/`,
  `http:///${rule}/`,
  `//${rule}/`,
  `ftp://${plain}/`,
  'http://127.1/',
  'http://[::1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://169.254.169.254/latest/meta-data/',
  '*',
  '/',
  '',
]

const soundFields = ({ rule, plain }: Hosts): readonly string[] => [
  `Host: ${rule}`,
  `Host: ${plain}`,
  'Host:',
  'Connection: close',
  'Connection: keep-alive, Authorization',
  'Connection: Content-Length, Transfer-Encoding',
  'Connection: upgrade',
  'Authorization: Basic eA==',
  'Proxy-Authorization: Basic eA==',
  'Proxy-Connection: keep-alive',
  'Upgrade: h2c',
  'TE: trailers',
  'Trailer: X',
  'X: \xff\xfe',
  'traceparent: 00-1-2-01',
]

const ODD_FIELDS = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: chunked',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\x0bchunked',
  'Transfer-Encoding: identity',
  `Content-Length: ${SMUGGLED.length}`,
  `Content-Length: ${SMUGGLED.length}`,
  'Content-Length: 0',
  'Content-Length: 4',
  'Content-Length: +4',
  'Content-Length: 4, 4',
  'Content-Length: 0x4',
  'Content-Length: 99999999999999999999',
  'Content-Length: 200000',
  'Expect: 100-continue',
  'Expect: nothing',
  'Upgrade: websocket',
  ' folded',
  'X: a\0b',
  'X: a\rb',
  ': nameless',
  'nothing',
  `X: ${'a'.repeat(20_000)}`,
  Array.from({ length: 210 }, (_, index) => `X-${index}: y`).join('\r\n'),
]

const BODIES: readonly string[] = [
  '',
  'abcd',
  SMUGGLED,
  `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`,
  `0\r\n\r\n${SMUGGLED}`,
  `4\r\nabcd\r\n0\r\nX: trailer\r\n\r\n${SMUGGLED}`,
  `4;ext="${SMUGGLED.length}"\r\nabcd\r\n0\r\n\r\n`,
  '4\nabcd\n0\n\n',
  'ffffffffffffffff0\r\nabcd',
  '-1\r\n\r\n',
  'x'.repeat(70_000),
]

/** @returns one connection's worth of bytes: one to three requests from a grammar, then mutated, then cut into pieces. */
export function createScript(random: Random, hosts: Hosts): Script {
  const requests = Array.from({ length: 1 + random.below(random.chance(0.2) ? 3 : 1) }, () =>
    createRequest(random, hosts),
  )
  const bytes = requests.join('')
  return cut(random.chance(0.65) ? bytes : applyMutations(bytes, createMutations(random, 4, ENDS)), random)
}

function createRequest(random: Random, hosts: Hosts): string {
  const end = random.chance(0.97) ? '\r\n' : random.pick(ENDS)
  const line = [
    random.chance(0.8) ? random.pick(['GET', 'POST', 'DELETE']) : random.pick(METHODS),
    random.chance(0.7) ? random.pick(targets(hosts).slice(0, 6)) : random.pick(targets(hosts)),
    random.chance(0.95) ? 'HTTP/1.1' : random.pick(VERSIONS),
  ].join(random.chance(0.98) ? ' ' : random.pick(['  ', '\t', '']))
  const [framing, fitting] = random.pick(FRAMINGS)
  const lines = [...framing, ...Array.from({ length: random.below(4) }, () => random.pick(soundFields(hosts)))]
  if (random.chance(0.3)) lines.splice(random.below(lines.length + 1), random.below(2), random.pick(ODD_FIELDS))
  const body = random.chance(0.8) ? fitting : random.pick(BODIES)
  return [line, ...lines, '', ''].join(end) + body
}

function cut(bytes: string, random: Random): Script {
  if (random.chance(0.6)) return [bytes]
  const pieces: string[] = []
  let at = 0
  // Not thousands of writes for one request.
  while (at < bytes.length && pieces.length < 40) {
    const size = 1 + random.below(random.chance(0.5) ? 8 : 4_000)
    pieces.push(bytes.slice(at, at + size))
    at += size
  }
  return [...pieces, bytes.slice(at)]
}
