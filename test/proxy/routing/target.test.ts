import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { isForwardablePath, parseAuthority, parseOrigin, splitTarget } from '../../../proxy/src/routing/target.ts'

describe('parseOrigin', () => {
  const accepted: readonly (readonly [string, object])[] = [
    ['http://api.partner.example', { scheme: 'http', host: 'api.partner.example', literal: false, port: 80 }],
    ['https://api.partner.example', { scheme: 'https', host: 'api.partner.example', literal: false, port: 443 }],
    ['HTTP://API.Partner.Example.:8443', { scheme: 'http', host: 'api.partner.example', literal: false, port: 8443 }],
    ['http://api.partner.example:', { scheme: 'http', host: 'api.partner.example', literal: false, port: 80 }],
    ['http://redis', { scheme: 'http', host: 'redis', literal: false, port: 80 }],
    ['http://my_service.team', { scheme: 'http', host: 'my_service.team', literal: false, port: 80 }],
    ['http://10.0.0.1:8080', { scheme: 'http', host: '10.0.0.1', literal: true, port: 8080 }],
    ['http://[2001:DB8::1]:8080', { scheme: 'http', host: '2001:db8::1', literal: true, port: 8080 }],
  ]
  for (const [text, target] of accepted)
    it(`takes ${text}`, () => {
      expect(parseOrigin(text)).to.deep.equal(target)
    })

  const refused = [
    '',
    '/path',
    '*',
    'ftp://host',
    'http:/host',
    'http://',
    'http://:80',
    'http://user@host',
    'http://user:secret@host',
    'http://host\\@evil.example',
    'http://host%2eexample',
    'http://ho st',
    'http://host\0.example',
    'http://hösť.example',
    'http://a..b',
    'http://.a',
    'http://-a.example',
    'http://a-.example',
    'http://host:0',
    'http://host:65536',
    'http://host:123456',
    'http://host:80:80',
    'http://host:-1',
    'http://127.1',
    'http://0x7f.1',
    'http://0x7f000001',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://127.0.0.01',
    'http://127.0.0.256',
    'http://1.2.3.4.5',
    'http://a.0x',
    'http://[::1',
    'http://[::1%25eth0]',
    'http://[1.2.3.4]',
    'http://[g::1]',
    `http://${'a'.repeat(255)}`,
  ]
  for (const text of refused)
    it(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
      expect(parseOrigin(text)).to.equal(undefined)
    })

  it('gives one spelling for every case, trailing dot and default port', () => {
    const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z])?$/)
    fc.assert(
      fc.property(
        fc.array(label, { minLength: 1, maxLength: 4 }),
        fc.constantFrom('http', 'https'),
        fc.boolean(),
        (labels, scheme, dotted) => {
          const host = labels.join('.')
          const plain = parseOrigin(`${scheme}://${host}`)
          const port = scheme === 'http' ? 80 : 443
          expect(plain).to.include({ host, port })
          expect(
            parseOrigin(`${scheme.toUpperCase()}://${host.toUpperCase()}${dotted ? '.' : ''}:${port}`),
          ).to.deep.equal(plain)
        },
      ),
    )
  })

  it('never sees a host other than the URL standard does, whatever it takes', () => {
    const text = fc.stringMatching(/^https?:\/\/[A-Za-z0-9.:@\\[\]%_-]{1,24}$/)
    fc.assert(
      fc.property(text, (origin) => {
        const target = parseOrigin(origin)
        if (!target) return
        const url = new URL(origin)
        expect(url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')).to.equal(
          new URL(urlOf(target)).hostname.replace(/^\[|\]$/g, ''),
        )
        expect(url.username + url.password).to.equal('')
      }),
      { numRuns: 2000 },
    )
  })
})

function urlOf({ host }: { readonly host: string }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}`
}

describe('parseAuthority', () => {
  it('takes the default port when none is given', () => {
    expect(parseAuthority('host.example', 443)).to.deep.equal({ host: 'host.example', literal: false, port: 443 })
  })

  it('refuses what is not a host with an optional port', () => {
    expect(parseAuthority('http://host', 443)).to.equal(undefined)
  })
})

describe('splitTarget', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['http://host/a/b?c=d', 'http://host', '/a/b?c=d'],
    ['http://host', 'http://host', '/'],
    ['http://host?a=/b', 'http://host', '/?a=/b'],
    ['http://host/?a=http://other/', 'http://host', '/?a=http://other/'],
    ['http://host:80//double', 'http://host:80', '//double'],
  ]
  for (const [target, origin, path] of cases)
    it(`cuts ${target} before its path`, () => {
      expect(splitTarget(target)).to.deep.equal({ origin, path })
    })

  it('finds no origin in other forms', () => {
    for (const target of ['/path', '*', 'host:443', '']) expect(splitTarget(target), target).to.equal(undefined)
  })
})

describe('isForwardablePath', () => {
  it('takes what a request line can carry', () => {
    expect(isForwardablePath('/a%20b;c=d,e?f[]=1&g="h"|{}\\')).to.equal(true)
  })

  it('refuses spaces, controls, non-ASCII and fragments', () => {
    for (const path of ['/a b', '/a\r\nb', '/\0', '/é', '/a#b', '/\x7f'])
      expect(isForwardablePath(path), path).to.equal(false)
  })
})
