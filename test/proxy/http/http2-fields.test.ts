import { expect } from 'chai'
import { fieldsFromHttp2, requestFromHttp2, requestToHttp2 } from '../../../proxy/src/http/http2-fields.ts'

const REQUEST = [':method', 'GET', ':scheme', 'https', ':authority', 'api.partner.example', ':path', '/a?b']

describe('fields of HTTP/2', () => {
  it('become a request of HTTP/1.1 without pseudo-header fields and Host', () => {
    expect(requestFromHttp2([...REQUEST, 'host', 'API.partner.example', 'x-a', '1', 'x-a', '2'])).to.deep.equal({
      method: 'GET',
      scheme: 'https',
      authority: 'api.partner.example',
      path: '/a?b',
      headers: ['x-a', '1', 'x-a', '2'],
    })
  })

  it('put the crumbs of a Cookie together, as HTTP/1.1 wants them', () => {
    expect(requestFromHttp2([...REQUEST, 'cookie', 'a=1', 'cookie', 'b=2']))
      .to.have.property('headers')
      .that.deep.equals(['cookie', 'a=1; b=2'])
  })

  it('take the authority from Host when there is no :authority', () => {
    const fields = [':method', 'GET', ':scheme', 'https', ':path', '/', 'host', 'api.partner.example']
    expect(requestFromHttp2(fields)).to.have.property('authority', 'api.partner.example')
  })

  const malformed: readonly (readonly [string, readonly string[]])[] = [
    ['have Host twice', [...REQUEST, 'host', 'api.partner.example', 'host', 'api.partner.example']],
    ['have a pseudo-header field twice', [...REQUEST, ':path', '/b']],
    ['have a pseudo-header field after others', [':method', 'GET', ':scheme', 'https', 'x-a', '1', ':path', '/']],
    ['have an unknown pseudo-header field', [...REQUEST, ':protocol', 'websocket']],
    ['have a method in lower case', [':method', 'trace', ...REQUEST.slice(2)]],
    ['have the method CONNECT', [':method', 'CONNECT', ...REQUEST.slice(2)]],
    ['have a space in the method', [':method', 'GET /', ...REQUEST.slice(2)]],
    ['have no method', [':scheme', 'https', ':authority', 'a.example', ':path', '/']],
    ['have an empty path', [':method', 'GET', ':scheme', 'https', ':authority', 'a.example', ':path', '']],
    ['have a name in upper case', [...REQUEST, 'X-A', '1']],
    ['have a line feed in a value', [...REQUEST, 'x-a', '1\nauthorization: x']],
    ['have a carriage return in a value', [...REQUEST, 'x-a', '1\r']],
    ['have a NUL in a value', [...REQUEST, 'x-a', '\0']],
    ['have white space around a value', [...REQUEST, 'x-a', ' 1']],
    ['have a line feed in the path', [':method', 'GET', ':scheme', 'https', ':authority', 'a.example', ':path', '/\n']],
    ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade', 'http2-settings'].map(
      (name) => [`have ${name}, which belongs to HTTP/1.1`, [...REQUEST, name, 'close']] as const,
    ),
    ['have a TE other than trailers', [...REQUEST, 'te', 'gzip']],
  ]
  for (const [what, fields] of malformed)
    it(`are refused when they ${what}`, () => {
      expect(requestFromHttp2(fields)).to.have.property('refused', 'malformed_request')
    })

  it('are refused when they name two hosts', () => {
    expect(requestFromHttp2([...REQUEST, 'host', 'other.example'])).to.have.property('refused', 'authority_mismatch')
  })

  it('of a request to a partner are in lower case and without those of a connection', () => {
    const fields = requestToHttp2({ method: 'POST', scheme: 'https', authority: 'a.example:8443', path: '/' }, [
      'X-A',
      '1',
      'Transfer-Encoding',
      'chunked',
      'TE',
      'trailers',
    ])
    expect(fields).to.deep.equal([
      ...[':method', 'POST', ':scheme', 'https', ':authority', 'a.example:8443', ':path', '/'],
      ...['x-a', '1', 'te', 'trailers'],
    ])
  })

  it('of a response lose what only HTTP/1.1 could obey', () => {
    expect(
      fieldsFromHttp2([':status', '200', 'connection', 'close', 'set-cookie', 'a', 'set-cookie', 'b']),
    ).to.deep.equal([...['set-cookie', 'a', 'set-cookie', 'b']])
  })
})
