import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  carries,
  createCredential,
  existingPolicy,
  readFields,
  requestHeaders,
  responseHeaders,
  responseTrailers,
} from '../../../proxy/src/http/headers.ts'

const credential = createCredential({ name: 'Authorization', scheme: 'Bearer' }, 'T')

describe('readFields', () => {
  const framings: readonly (readonly [readonly string[], unknown])[] = [
    [[], 'none'],
    [['Content-Length', '0'], 'none'],
    [['Content-Length', '5'], 5],
    [['content-length', '005'], 5],
    [['Transfer-Encoding', 'chunked'], 'chunked'],
    [['TRANSFER-ENCODING', 'Chunked'], 'chunked'],
    [['Content-Length', '5', 'Content-Length', '5'], 'ambiguous'],
    [['Content-Length', '5', 'Transfer-Encoding', 'chunked'], 'ambiguous'],
    [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], 'ambiguous'],
    [['Transfer-Encoding', 'gzip, chunked'], 'ambiguous'],
    [['Transfer-Encoding', 'identity'], 'ambiguous'],
    [['Transfer-Encoding', 'chunked\v'], 'ambiguous'],
    [['Content-Length', '+5'], 'ambiguous'],
    [['Content-Length', '5, 5'], 'ambiguous'],
    [['Content-Length', '0x5'], 'ambiguous'],
    [['Content-Length', ''], 'ambiguous'],
    [['Content-Length', '9999999999999999'], 'ambiguous'],
  ]
  for (const [headers, framing] of framings)
    it(`reads ${JSON.stringify(headers)} as ${String(framing)}`, () => {
      expect(readFields(headers).framing).to.equal(framing)
    })

  it('collects what Connection names, over several fields', () => {
    const { connection } = readFields(['Connection', 'keep-alive, X-One', 'connection', 'x-TWO'])
    expect([...(connection ?? [])]).to.deep.equal(['keep-alive', 'x-one', 'x-two'])
  })

  it('needs no set for keep-alive or close', () => {
    expect(readFields(['Connection', 'Keep-Alive', 'Connection', 'close']).connection).to.equal(undefined)
  })
})

describe('requestHeaders', () => {
  const forward = (headers: readonly string[]): string[] => requestHeaders(headers, readFields(headers), credential)

  it('keeps order, case and duplicates, and appends ours', () => {
    const headers = ['X-B', '1', 'x-a', '2', 'X-B', '3', 'Cookie', 'a=b']
    expect(forward(headers)).to.deep.equal([...headers, 'Authorization', 'Bearer T'])
  })

  it('drops what concerns one connection, and the fields undici writes', () => {
    const dropped = [
      'Connection',
      'keep-alive',
      'Keep-Alive',
      '5',
      'Proxy-Connection',
      'x',
      'Proxy-Authorization',
      'Basic eA==',
      'Proxy',
      'http://evil',
      'Upgrade',
      'h2c',
      'HTTP2-Settings',
      'x',
      'Host',
      'evil',
      'Expect',
      '100-continue',
      'Trailer',
      'x',
      'TE',
      'gzip',
      'Transfer-Encoding',
      'chunked',
    ]
    expect(forward(dropped)).to.deep.equal(['Authorization', 'Bearer T'])
  })

  it('cannot be talked into dropping ours', () => {
    expect(forward(['Connection', 'Authorization, close', 'Authorization', 'Basic app'])).to.deep.equal([
      'Authorization',
      'Bearer T',
    ])
  })

  it('drops what Connection names', () => {
    expect(forward(['X-Secret', '1', 'Connection', 'x-secret', 'X-Other', '2'])).to.deep.equal([
      'X-Other',
      '2',
      'Authorization',
      'Bearer T',
    ])
  })

  it('replaces the header of the application, in any case and number', () => {
    expect(forward(['authorization', 'a', 'AUTHORIZATION', 'b'])).to.deep.equal(['Authorization', 'Bearer T'])
  })

  it('passes on that trailers are welcome', () => {
    expect(forward(['TE', 'trailers', 'Connection', 'TE'])).to.deep.equal([
      'TE',
      'trailers',
      'Authorization',
      'Bearer T',
    ])
  })

  it('announces a known length', () => {
    expect(forward(['Content-Length', '7'])).to.deep.equal(['content-length', '7', 'Authorization', 'Bearer T'])
  })

  it('sends the bare token without a scheme', () => {
    const headers = requestHeaders([], readFields([]), createCredential({ name: 'X-Token', scheme: '' }, 'T'))
    expect(headers).to.deep.equal(['X-Token', 'T'])
  })

  it('adds nothing where there is no credential', () => {
    const headers = ['Authorization', 'Basic app']
    expect(requestHeaders(headers, readFields(headers))).to.deep.equal(headers)
  })

  it('ends with exactly one header of ours, whatever came in', () => {
    const name = fc.constantFrom(
      'Authorization',
      'authorization',
      'Connection',
      'X-A',
      'TE',
      'Host',
      'Upgrade',
      'Proxy-X',
      'Keep-Alive',
    )
    const value = fc.constantFrom('a', 'authorization', 'Authorization, x-a', 'close', 'trailers', 'keep-alive')
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (fields) => {
        const sent = forward(fields.flat())
        const ours = sent.filter((field, index) => index % 2 === 0 && field.toLowerCase() === 'authorization')
        expect(ours).to.have.lengthOf(1)
        expect(sent.slice(-2)).to.deep.equal(['Authorization', 'Bearer T'])
        expect(sent.filter((_, index) => index % 2 === 0).join()).not.to.match(
          /connection|host|upgrade|proxy|keep-alive/i,
        )
      }),
    )
  })
})

describe('responseTrailers', () => {
  it('keeps no field of framing or of the connection, which a partner may send by HTTP/2', () => {
    const raw = ['Content-Length', '3', 'transfer-encoding', 'chunked', 'Connection', 'close', 'grpc-status', '0']
    expect(responseTrailers(raw)).to.deep.equal(['grpc-status', '0'])
  })
})

describe('carries', () => {
  it('finds a field in any case', () => {
    expect(carries(['AUTHORIZATION', 'x'], 'Authorization', readFields([]))).to.equal(true)
    expect(carries(['X', 'Authorization'], 'Authorization', readFields([]))).to.equal(false)
  })

  it('does not count one that ends at this hop', () => {
    const headers = ['Authorization', 'x', 'Connection', 'authorization, x']
    expect(carries(headers, 'Authorization', readFields(headers))).to.equal(false)
  })
})

describe('existingPolicy', () => {
  it('decides by route and presence', () => {
    expect(existingPolicy('replace', true)).to.equal('add')
    expect(existingPolicy('keep', true)).to.equal('leave')
    expect(existingPolicy('reject', true)).to.equal('reject')
    for (const policy of ['replace', 'keep', 'reject'] as const) expect(existingPolicy(policy, false)).to.equal('add')
  })
})

describe('responseHeaders', () => {
  it('keeps order, case and duplicates', () => {
    const headers = ['Set-Cookie', 'a=1', 'ETag', 'x', 'Set-Cookie', 'b=2']
    expect(responseHeaders(headers, true)).to.deep.equal({ headers, length: -1, framing: 'none' })
  })

  it('drops what concerns one connection', () => {
    const headers = [
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'Keep-Alive',
      'timeout=5',
      'Transfer-Encoding',
      'chunked',
      'Proxy-Authenticate',
      'Basic',
      'Upgrade',
      'h2',
      'Proxy-Connection',
      'x',
    ]
    expect(responseHeaders(headers, true).headers).to.deep.equal([])
  })

  it('reads the length', () => {
    expect(responseHeaders(['Content-Length', '12'], true)).to.deep.equal({
      headers: ['Content-Length', '12'],
      length: 12,
      framing: 12,
    })
  })

  it('says when the length is not certain', () => {
    expect(responseHeaders(['Transfer-Encoding', 'gzip, chunked'], true).framing).to.equal('ambiguous')
  })

  it('announces trailers only where they can be sent', () => {
    const chunked = ['Trailer', 'X', 'Transfer-Encoding', 'chunked']
    expect(responseHeaders(chunked, true).headers).to.deep.equal(['Trailer', 'X'])
    expect(responseHeaders(chunked, false).headers).to.deep.equal([])
    expect(responseHeaders(['Trailer', 'X', 'Content-Length', '1'], true).headers).to.deep.equal([
      'Content-Length',
      '1',
    ])
  })

  it('hands Location over', () => {
    const rewrite = (name: string, value: string): string | undefined => (name === 'location' ? `${value}!` : undefined)
    expect(responseHeaders(['location', 'https://a/', 'X', 'y'], true, rewrite).headers).to.deep.equal([
      'location',
      'https://a/!',
    ])
    expect(responseHeaders(['location', 'https://a/'], true).headers).to.deep.equal(['location', 'https://a/'])
  })
})
