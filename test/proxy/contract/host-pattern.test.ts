import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { formatHostPattern, parseHostPattern } from '../../../proxy/src/contract.ts'

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const pattern = fc
  .record({
    labels: fc.array(label, { minLength: 2, maxLength: 4 }),
    wildcard: fc.boolean(),
    port: fc.integer({ min: 1, max: 65535 }),
  })
  .filter(({ labels }) => labels.at(-1) !== 'localhost')
  .map(({ labels, wildcard, port }) => ({ host: labels.join('.'), wildcard, port }))

describe('host pattern', () => {
  it('parses what it formats, in any case and with a trailing dot', () => {
    fc.assert(
      fc.property(pattern, (expected) => {
        const text = formatHostPattern(expected)
        const dotted = expected.port === 443 ? `${text}.` : text.replace(':', '.:')
        for (const spelling of [text, text.toUpperCase(), dotted]) {
          expect(parseHostPattern(spelling)).to.deep.equal({ ok: true, value: expected })
        }
      }),
    )
  })

  it('defaults to the TLS port', () => {
    expect(parseHostPattern('Api.Partner.Example')).to.deep.equal({
      ok: true,
      value: { host: 'api.partner.example', wildcard: false, port: 443 },
    })
  })

  it('accepts a name of one label, as Kubernetes services have', () => {
    expect(parseHostPattern('partner')).to.have.property('ok', true)
  })

  it('says what was probably meant', () => {
    const allowed = (text: string): string => {
      const parsed = parseHostPattern(text)
      return parsed.ok ? '' : parsed.allowed
    }
    expect(allowed('https://api.partner.example/v1')).to.match(/; did you mean api\.partner\.example\?$/)
    for (const text of ['a.example b.example', 'a.example;b.example', '[a.example', 'b.example]'])
      expect(allowed(text)).to.match(/; separate hosts by commas, without brackets$/)
    for (const text of ['[::1]', 'https://192.0.2.1', 'a_b.example']) expect(allowed(text)).to.match(/no localhost$/)
  })

  const refused = {
    'an empty text': '',
    'an IPv4 address': '192.0.2.1',
    'an IPv4 address in a short form': '127.1',
    'an IPv4 address in hexadecimal': '0x7f000001',
    'an IPv4 address with a hexadecimal last part': '127.0x1',
    'an IPv6 address': '[::1]',
    localhost: 'localhost',
    'a name below localhost': 'api.localhost',
    'a wildcard alone': '*',
    'a wildcard over a top-level domain': '*.example',
    'a wildcard inside a label': 'api-*.example.com',
    'a wildcard that is not first': 'api.*.example.com',
    'a wildcard over localhost': '*.a.localhost',
    'port 0': 'a.example:0',
    'a port over 65535': 'a.example:65536',
    'an empty port': 'a.example:',
    'a URL': 'https://a.example',
    'a path': 'a.example/x',
    'user information': 'u@a.example',
    'an underscore': 'a_b.example',
    'a label that starts with a hyphen': '-a.example',
    'an empty label': 'a..example',
    'a leading dot': '.a.example',
    'a label of 64 characters': `${'a'.repeat(64)}.example`,
    'a name over 253 characters': `${'abcdefg.'.repeat(32)}example`,
    'a name that is not ASCII': 'pärtner.example',
    'white space': 'a.example ',
    'a NUL': 'a.example\0',
  }
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      const parsed = parseHostPattern(text)
      expect(parsed.ok).to.equal(false)
      expect(parsed).to.have.property('allowed').that.contains('DNS name')
    })
  }
})
