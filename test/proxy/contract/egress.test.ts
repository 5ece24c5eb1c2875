import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  directDestination,
  directDestinations,
  egressProxy,
  formatEgressProxy,
  objectionToOwnListener,
} from '../../../proxy/src/contract.ts'

describe('the URL of an egress proxy', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['http://proxy.corp.example:3128', 'http://proxy.corp.example:3128'],
    ['HTTPS://Proxy.Corp.Example./', 'https://proxy.corp.example:443'],
    ['http://squid', 'http://squid:80'],
    ['http://10.1.2.3:8080/', 'http://10.1.2.3:8080'],
    ['https://[FD00::1]:3129', 'https://[fd00::1]:3129'],
  ]
  for (const [text, spelling] of cases)
    it(`reads ${text} as ${spelling}`, () => {
      const parsed = egressProxy(text)
      expect(parsed.ok && formatEgressProxy(parsed.value)).to.equal(spelling)
    })

  it('refuses credentials, paths, other schemes and what is no host or port', () => {
    const wrong = [
      '',
      'proxy.corp.example:3128',
      'http://user:password@proxy:3128',
      'http://user@proxy:3128',
      'http://proxy:3128/path',
      'http://proxy:3128?x',
      'socks5://proxy:1080',
      'http://proxy:0',
      'http://proxy:65536',
      'http://127.1:3128',
      'http://1.2.3.4.5:3128',
      'http://[1.2.3.4:3128',
      'http://[fg::1]:3128',
      'http://pro xy:3128',
      'http://$(PROXY)',
    ]
    for (const text of wrong) {
      const parsed = egressProxy(text)
      expect(parsed.ok, text).to.equal(false)
      expect(!parsed.ok && parsed.allowed)
        .to.include('http://host:port')
        .and.not.include('password@')
    }
  })
})

describe('an egress proxy that is the sidecar itself', () => {
  const objection = (url: string): string | undefined => {
    const parsed = egressProxy(url)
    if (!parsed.ok) throw new Error(`${url}: ${parsed.allowed}`)
    return objectionToOwnListener(parsed.value, [15400, undefined, 15402])
  }

  const spellings = [
    'http://127.0.0.1:15400',
    'http://127.0.0.2:15402/',
    'https://127.255.255.255:15400',
    'http://0.0.0.0:15400',
    'http://LocalHost:15400',
    'http://localhost.:15402',
    'http://a.localhost:15400',
    'http://[::1]:15400',
    'http://[0:0::0:1]:15400',
    'http://[::]:15400',
    'http://[::ffff:127.0.0.1]:15400',
    'http://[::ffff:7f00:2]:15402',
  ]
  for (const url of spellings)
    it(`is refused when it is spelt ${url}`, () => {
      expect(objection(url)).to.match(/^another proxy: port 1540[02] of this pod is the sidecar itself/)
    })

  it('is no other port of this pod and no other host', () => {
    for (const url of [
      'http://127.0.0.1:3128',
      'http://localhost',
      'http://10.0.0.1:15400',
      'http://notlocalhost:15400',
    ])
      expect(objection(url), url).to.equal(undefined)
  })
})

describe('an entry of EGRESS_NO_PROXY', () => {
  const named = (name: string, below: boolean, port?: number): unknown => ({ kind: 'name', name, below, port })
  const network = (value: number | bigint, bits: number, port?: number): unknown => ({
    kind: 'network',
    ip: { family: typeof value === 'bigint' ? 6 : 4, value },
    bits,
    port,
  })
  const cases: readonly (readonly [string, unknown])[] = [
    ['*', { kind: 'everything' }],
    ['Example.com', named('example.com', false)],
    ['example.com.', named('example.com', false)],
    ['.example.com', named('example.com', true)],
    ['*.example.com', named('example.com', true)],
    ['example.com:8443', named('example.com', false, 8443)],
    ['kubernetes', named('kubernetes', false)],
    ['.svc', named('svc', true)],
    ['10.0.0.1', network(0x0a000001, 32)],
    ['10.0.0.1:8080', network(0x0a000001, 32, 8080)],
    ['10.0.0.0/8', network(0x0a000000, 8)],
    ['10.*', network(0x0a000000, 8)],
    ['192.168.1.*', network(0xc0a80100, 24)],
    ['::1', network(1n, 128)],
    ['[fd00::1]:443', network(0xfd000000000000000000000000000001n, 128, 443)],
    ['fd00::/8', network(0xfd000000000000000000000000000000n, 8)],
    ['::ffff:10.0.0.1', network(0x0a000001, 32)],
  ]
  for (const [text, meaning] of cases)
    it(`reads ${text}`, () => {
      expect(directDestination(text)).to.deep.equal({ ok: true, value: meaning })
    })

  it('is refused when it is none of these', () => {
    for (const text of [
      '',
      '10.0.0.0/33',
      'fd00::/129',
      '::ffff:10.0.0.0/104',
      '256.*',
      '1.2.3',
      '127.1',
      'a.*',
      '*example.com',
      'example.com:0',
      'http://example.com',
      'foo/bar',
      '$(VARIABLE)',
      '[fd00::1]:99999',
      '..example.com',
      'a..example.com',
    ])
      expect(directDestination(text).ok, text).to.equal(false)
  })

  it('stands in a list with commas or white space, empty items left out', () => {
    const parsed = directDestinations(' a.example, b.example,,\t*.c.example ')
    expect(parsed.ok && parsed.value).to.have.length(3)
    expect(directDestinations('')).to.deep.equal({ ok: true, value: [] })
  })

  it('is named when it is the one in a list that cannot be read', () => {
    const parsed = directDestinations('a.example,$(X),b.example')
    expect(!parsed.ok && parsed.allowed).to.include('(not $(X))')
  })
})
