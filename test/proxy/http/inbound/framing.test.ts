import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { exchangeBytes } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startRecorder } from '../../../support/proxy/recorder.ts'
import type { Recorder } from '../../../support/proxy/recorder.ts'

/** What hides in a body; an upstream that sees it as a request was talked to by the client, not by the proxy. */
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n'
const CHUNKED = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`

/** A request with these header lines, and the body after the empty line. The target comes first. */
const raw =
  (method: string, lines: readonly string[], body = '') =>
  (url: string): string =>
    [`${method} ${url} HTTP/1.1`, 'Connection: close', ...lines, '', body].join('\r\n')

type Corpus = readonly (readonly [name: string, bytes: (url: string) => string, outcome: string])[]

/** Refused before anything is forwarded: the code. */
const REFUSED: Corpus = [
  [
    'Content-Length and Transfer-Encoding',
    raw('POST', ['Content-Length: 4', 'Transfer-Encoding: chunked'], CHUNKED),
    'ambiguous_framing',
  ],
  [
    'Transfer-Encoding and Content-Length',
    raw('POST', ['Transfer-Encoding: chunked', 'Content-Length: 4'], CHUNKED),
    'ambiguous_framing',
  ],
  ['Content-Length twice', raw('POST', ['Content-Length: 4', 'Content-Length: 4'], 'abcd'), 'ambiguous_framing'],
  [
    'two Content-Lengths',
    raw('POST', ['Content-Length: 0', `Content-Length: ${SMUGGLED.length}`], SMUGGLED),
    'ambiguous_framing',
  ],
  ['a list of lengths', raw('POST', ['Content-Length: 4, 4'], 'abcd'), 'ambiguous_framing'],
  ['a signed length', raw('POST', ['Content-Length: +4'], 'abcd'), 'ambiguous_framing'],
  ['a negative length', raw('POST', ['Content-Length: -4'], 'abcd'), 'ambiguous_framing'],
  ['a hexadecimal length', raw('POST', ['Content-Length: 0x4'], 'abcd'), 'ambiguous_framing'],
  ['an empty length', raw('POST', ['Content-Length:'], 'abcd'), 'ambiguous_framing'],
  ['a length beyond 64 bits', raw('POST', ['Content-Length: 18446744073709551620'], 'abcd'), 'ambiguous_framing'],
  ['a length beyond what a number holds', raw('POST', ['Content-Length: 9007199254740993'], 'a'), 'ambiguous_framing'],
  ['an unknown coding', raw('POST', ['Transfer-Encoding: xchunked'], CHUNKED), 'ambiguous_framing'],
  ['identity', raw('POST', ['Transfer-Encoding: identity'], SMUGGLED), 'ambiguous_framing'],
  ['a coding below chunked', raw('POST', ['Transfer-Encoding: gzip, chunked'], CHUNKED), 'ambiguous_framing'],
  ['chunked below a coding', raw('POST', ['Transfer-Encoding: chunked, gzip'], CHUNKED), 'ambiguous_framing'],
  [
    'chunked twice',
    raw('POST', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKED),
    'ambiguous_framing',
  ],
  ['chunked in quotes', raw('POST', ['Transfer-Encoding: "chunked"'], CHUNKED), 'ambiguous_framing'],
  ['a vertical tab before the coding', raw('POST', ['Transfer-Encoding: \vchunked'], CHUNKED), 'malformed_request'],
  ['white space before the colon', raw('POST', ['Transfer-Encoding : chunked'], CHUNKED), 'malformed_request'],
  ['a folded field', raw('POST', ['Transfer-Encoding:', ' chunked'], CHUNKED), 'malformed_request'],
  ['a folded first field', (url) => `GET ${url} HTTP/1.1\r\n X: 1\r\n\r\n`, 'malformed_request'],
  ['line feeds alone', (url) => `GET ${url} HTTP/1.1\nHost: x\n\n`, 'malformed_request'],
  ['one line feed alone', (url) => `GET ${url} HTTP/1.1\r\nX: 1\nY: 2\r\n\r\n`, 'malformed_request'],
  ['a carriage return within a value', (url) => `GET ${url} HTTP/1.1\r\nX: 1\rY: 2\r\n\r\n`, 'malformed_request'],
  ['a NUL within a value', raw('GET', ['X: a\0b']), 'malformed_request'],
  ['a NUL within a name', raw('GET', ['X\0: a']), 'malformed_request'],
  ['a field without a name', raw('GET', [': a']), 'malformed_request'],
  ['a line without a colon', raw('GET', ['hello']), 'malformed_request'],
  ['another version', (url) => `GET ${url} HTTP/9.9\r\n\r\n`, 'malformed_request'],
  ['HTTP/0.9', (url) => `GET ${url}\r\n\r\n`, 'malformed_request'],
  ['HTTP/2.0', (url) => `GET ${url} HTTP/2.0\r\nConnection: close\r\n\r\n`, 'malformed_request'],
  ['the preface of HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'malformed_request'],
  ['TLS', () => '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 'malformed_request'],
  ['an unknown method', (url) => `SMUGGLE ${url} HTTP/1.1\r\n\r\n`, 'malformed_request'],
  [
    'chunks in HTTP/1.0',
    (url) => `POST ${url} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}`,
    'ambiguous_framing',
  ],
  ['two Host fields', raw('GET', ['Host: a.example', 'Host: b.example']), 'malformed_request'],
  ['two Host fields that agree', raw('GET', ['Host: plain.example', 'host: plain.example']), 'malformed_request'],
  [
    'a CONNECT with two Host fields',
    (url) => `CONNECT ${url.slice(7, -7)} HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n`,
    'malformed_request',
  ],
  ['origin form', () => 'GET /path HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n', 'bad_request_target'],
  ['asterisk form', () => 'OPTIONS * HTTP/1.1\r\nConnection: close\r\n\r\n', 'bad_request_target'],
  ['userinfo', (url) => raw('GET', [])(url.replace('//', '//user:pass@')), 'bad_request_target'],
  ['a fragment', (url) => raw('GET', [])(`${url}#x`), 'bad_request_target'],
  ['a control character in the path', (url) => raw('GET', [])(`${url}\x01`), 'malformed_request'],
  ['a byte above ASCII in the path', (url) => raw('GET', [])(`${url}\xff`), 'malformed_request'],
  ['a backslash in the authority', (url) => raw('GET', [])(url.replace('//', '//x\\')), 'malformed_request'],
]

/** The body breaks after its head was forwarded: the upstream must see no whole request. */
const BROKEN: readonly (readonly [string, string])[] = [
  ['a chunk size that is none', `zz\r\n${SMUGGLED}`],
  ['a chunk size beyond 64 bits', `fffffffffffffffff\r\n${SMUGGLED}`],
  ['a signed chunk size', `+4\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk size in 0x', `0x4\r\nabcd\r\n0\r\n\r\n`],
  ['a chunk longer than its size', `4\r\nabcdX\r\n0\r\n\r\n`],
  ['a chunk closed by a line feed alone', `4\r\nabcd\n0\r\n\r\n`],
  ['a chunk size closed by a line feed alone', `4\nabcd\r\n0\r\n\r\n`],
  ['a bare carriage return in an extension', `4;a\rb\r\nabcd\r\n0\r\n\r\n`],
  ['framing among the trailers', `4\r\nabcd\r\n0\r\nContent-Length: 9\r\n\r\n`],
  ['a trailer that is none', `4\r\nabcd\r\n0\r\nhello\r\n\r\n`],
]

/** Forwarded as exactly one request: its body. */
const ONE: Corpus = [
  ['DELETE with a chunked body', raw('DELETE', ['Transfer-Encoding: chunked'], CHUNKED), SMUGGLED],
  ['GET with a chunked body', raw('GET', ['Transfer-Encoding: chunked'], CHUNKED), SMUGGLED],
  ['OPTIONS with a chunked body', raw('OPTIONS', ['Transfer-Encoding: chunked'], CHUNKED), SMUGGLED],
  ['DELETE with a length', raw('DELETE', [`Content-Length: ${SMUGGLED.length}`], SMUGGLED), SMUGGLED],
  ['GET with a length', raw('GET', [`Content-Length: ${SMUGGLED.length}`], SMUGGLED), SMUGGLED],
  ['two spaces after the method', (url) => `GET  ${url} HTTP/1.1\r\nConnection: close\r\n\r\n`, ''],
  ['chunked in capitals', raw('POST', ['TRANSFER-ENCODING: CHUNKED'], CHUNKED), SMUGGLED],
  ['chunk extensions', raw('POST', ['Transfer-Encoding: chunked'], '4;a=b;c="d"\r\nabcd\r\n0;e\r\n\r\n'), 'abcd'],
  [
    'trailers',
    raw('POST', ['Transfer-Encoding: chunked'], '4\r\nabcd\r\n0\r\nHost: evil\r\nAuthorization: x\r\n\r\n'),
    'abcd',
  ],
  ['leading zeros in a chunk size', raw('POST', ['Transfer-Encoding: chunked'], '0004\r\nabcd\r\n0\r\n\r\n'), 'abcd'],
  ['leading zeros in the length', raw('POST', ['Content-Length: 0004'], 'abcd'), 'abcd'],
  ['an empty chunked body', raw('POST', ['Transfer-Encoding: chunked'], '0\r\n\r\n'), ''],
  ['framing named by Connection', raw('POST', ['Connection: Content-Length', 'Content-Length: 4'], 'abcd'), 'abcd'],
]

describe('framing', () => {
  let recorder: Recorder
  let proxy: TestProxy
  let url = ''
  before(async () => {
    recorder = await startRecorder()
    proxy = await startTestProxy()
    url = `http://plain.example:${recorder.port}/target`
  })
  after(() => Promise.all([recorder.close(), proxy.close()]))
  afterEach(() => recorder.reset())

  for (const [name, bytes, code] of REFUSED)
    it(`refuses ${name}`, async () => {
      const answer = await exchangeBytes(proxy.port, Buffer.from(bytes(url), 'latin1'))
      expect(answer)
        .to.match(/^HTTP\/1\.1 4\d\d /)
        .and.include(`X-Outbound-Jwt-Error: ${code}\r\n`)
      expect(answer.match(/HTTP\/1\.1 /g), 'answers').to.have.lengthOf(1)
      expect(recorder.bytes()).to.equal('')
    })

  for (const [name, body] of BROKEN)
    it(`forwards no whole request for ${name}`, async () => {
      const answer = await exchangeBytes(proxy.port, raw('POST', ['Transfer-Encoding: chunked'], body)(url))
      expect(answer).to.match(/^HTTP\/1\.1 400 [^]*(ambiguous_framing|malformed_request)/)
      expect(recorder.requests).to.deep.equal([])
      expect(recorder.bytes()).not.to.match(/\r\n0\r\n\r\n/)
    })

  for (const [name, bytes, body] of ONE)
    it(`forwards one request for ${name}`, async () => {
      const answer = await exchangeBytes(proxy.port, bytes(url))
      expect(answer).to.match(/^HTTP\/1\.1 200 OK\r\n/)
      expect(recorder.requests).to.have.lengthOf(1)
      expect(recorder.requests[0]?.line).to.match(/ \/target$/)
      expect(recorder.requests[0]?.body).to.equal(body)
      expect(recorder.bytes().match(/^host: /gim), 'hosts outside the body').to.have.lengthOf(body === SMUGGLED ? 2 : 1)
    })

  it('answers nothing into the place of a request that was whole', async () => {
    const first = raw('GET', [])(url).replace('Connection: close\r\n', '')
    const answer = await exchangeBytes(proxy.port, `${first}GET ${url} HTTP/1.1\r\nbroken\r\n\r\n`)
    expect(answer).not.to.include('400')
    expect(recorder.requests.length).to.be.lessThan(2)
  })

  it('forwards at most one request where more follows than Connection: close allows', async () => {
    await exchangeBytes(proxy.port, raw('POST', ['Content-Length: 4'], `abcd${SMUGGLED}`)(url))
    expect(recorder.requests.length).to.be.lessThan(2)
    expect(recorder.bytes()).not.to.include('smuggled')
  })

  it('ends the connection of a request whose length is not certain', async () => {
    const two = raw('POST', ['Transfer-Encoding: gzip, chunked'], '0\r\n\r\n')(url).replace('Connection: close\r\n', '')
    const answer = await exchangeBytes(proxy.port, two + raw('GET', [])(url))
    expect(answer).to.include('ambiguous_framing').and.not.include('200 OK')
    expect(recorder.bytes()).to.equal('')
  })
})
