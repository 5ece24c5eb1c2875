import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Route } from '../../../proxy/src/contract.ts'
import { ROUTE_DEFAULTS, parseRoutes } from '../../../proxy/src/contract.ts'
import { createRouter } from '../../../proxy/src/routing/router.ts'
import type { Router } from '../../../proxy/src/routing/router.ts'
import { compileRules } from '../../../proxy/src/routing/rules.ts'

const ROUTES = parseRoutes(
  JSON.stringify([{ hosts: ['api.partner.example', 'alt.partner.example:8443', '*.wild.example'] }]),
  'ROUTES',
  (problem) => expect.fail(JSON.stringify(problem)),
)

describe('createRouter', () => {
  const router = createTestRouter('passthrough')

  const ruled: readonly (readonly [string, string])[] = [
    ['http://api.partner.example', 'https://api.partner.example'],
    ['http://API.partner.example.:80', 'https://api.partner.example'],
    ['http://api.partner.example:443', 'https://api.partner.example'],
    ['https://api.partner.example', 'https://api.partner.example'],
    ['http://alt.partner.example', 'https://alt.partner.example:8443'],
    ['http://alt.partner.example:8443', 'https://alt.partner.example:8443'],
    ['https://alt.partner.example:8443', 'https://alt.partner.example:8443'],
    ['http://a.b.wild.example', 'https://a.b.wild.example'],
  ]
  for (const [from, to] of ruled)
    it(`sends ${from} to ${to} with a token`, () => {
      const destination = router.route(from)
      expect(destination).to.include({ origin: to })
      expect(destination).to.have.nested.property('ruled.token')
    })

  for (const origin of [
    'http://api.partner.example:8080',
    'http://alt.partner.example:443',
    'https://alt.partner.example',
    'https://api.partner.example:80',
  ])
    it(`refuses ${origin}: no other port of a rule host`, () => {
      expect(router.route(origin)).to.include({ refused: 'port_denied' })
    })

  it('says which URL reaches the rule host', () => {
    expect(router.route('https://alt.partner.example')).to.include({
      host: 'alt.partner.example',
      message: 'alt.partner.example has a rule for port 8443.',
      hint: 'Call http://alt.partner.example:8443/ instead.',
    })
    expect(router.route('http://api.partner.example:1')).to.include({
      hint: 'Call http://api.partner.example/ instead.',
    })
  })

  const plain: readonly (readonly [string, string])[] = [
    ['http://other.example', 'http://other.example'],
    ['http://other.example:8080', 'http://other.example:8080'],
    ['https://other.example', 'https://other.example'],
    ['https://other.example:80', 'https://other.example:80'],
    ['http://10.0.0.1', 'http://10.0.0.1'],
    ['http://[2001:db8::1]:81', 'http://[2001:db8::1]:81'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ]
  for (const [from, to] of plain)
    it(`passes ${from} through as ${to}, without a token`, () => {
      const destination = router.route(from)
      expect(destination).to.include({ origin: to })
      expect(destination).not.to.have.property('ruled')
    })

  for (const origin of [
    'http://169.254.169.254',
    'http://[fd00:ec2::254]',
    'http://127.0.0.1:15400',
    'http://[::1]:15402',
  ])
    it(`refuses ${origin}`, () => {
      expect(router.route(origin)).to.include({ refused: 'address_denied' })
    })

  it('refuses what is no origin', () => {
    expect(router.route('http://user@host')).to.deep.equal({ refused: 'bad_request_target', host: '' })
  })

  it('denies hosts without a rule when told so', () => {
    const strict = createTestRouter('deny')
    expect(strict.route('http://other.example')).to.deep.equal({ refused: 'host_denied', host: 'other.example' })
    expect(strict.route('http://api.partner.example')).to.have.property('ruled')
  })

  it('calls hosts of plaintext rules in clear text, on their port alone', () => {
    const plaintext = createRouter({
      rules: compileRules(standaloneRoutes('api.partner.example:80', 'alt.partner.example:8080'), 'http'),
      unmatched: 'deny',
      addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
    })
    const origin = (text: string): unknown => (plaintext.route(text) as { origin?: string }).origin
    expect(origin('http://api.partner.example')).to.equal('http://api.partner.example')
    expect(origin('http://alt.partner.example:8080')).to.equal('http://alt.partner.example:8080')
    expect(plaintext.route('https://api.partner.example')).to.include({
      refused: 'port_denied',
      hint: 'Call http://api.partner.example/ instead.',
    })
  })

  it('gives the hints of whoever runs it', () => {
    const named = createRouter({
      rules: compileRules(ROUTES),
      unmatched: 'deny',
      addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
      hints: { hostDenied: 'List it.', portDenied: (authority) => `Say ${authority}.` },
    })
    expect(named.route('https://other.example')).to.include({ refused: 'host_denied', hint: 'List it.' })
    expect(named.route('https://alt.partner.example')).to.include({ hint: 'Say alt.partner.example:8443.' })
    expect(named.route('https://api.partner.example:1')).to.include({ hint: 'Say api.partner.example.' })
  })

  it('lets any host have a token where the operator said so, on the default port, and no address', () => {
    const open = createRouter({
      rules: compileRules(standaloneRoutes('*', 'alt.partner.example:8443')),
      unmatched: 'deny',
      addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
    })
    expect(open.route('https://any.example')).to.have.nested.property(
      'ruled.token.spec.audience[0]',
      'https://any.example',
    )
    expect(open.route('https://any.example:8443')).to.include({ refused: 'port_denied' })
    expect(open.route('https://alt.partner.example:8443')).to.have.property('ruled')
    const plaintext = createRouter({
      rules: compileRules(standaloneRoutes('*'), 'http'),
      unmatched: 'deny',
      addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
    })
    expect(plaintext.route('http://any.example')).to.include({ origin: 'http://any.example' })
    expect(plaintext.route('https://any.example')).to.include({ refused: 'port_denied' })
    for (const literal of ['https://10.0.0.1', 'https://[2001:db8::1]', 'https://127.0.0.1'])
      expect(open.route(literal)).to.include({ refused: 'host_denied' })
  })

  it('remembers a destination, and forgets when there are too many', () => {
    const first = router.route('http://remembered.example')
    expect(router.route('http://remembered.example')).to.equal(first)
    for (let index = 0; index < 1024; index++) router.route(`http://h${index}.example`)
    expect(router.route('http://remembered.example')).to.not.equal(first)
    expect(router.route('http://remembered.example')).to.deep.equal(first)
  })

  it('never lets a token travel in clear text or to a host outside the list', () => {
    const host = fc.constantFrom(
      'api.partner.example',
      'alt.partner.example',
      'x.wild.example',
      'wild.example',
      'evil.example',
      '127.0.0.1',
    )
    const origin = fc
      .tuple(
        fc.constantFrom('http', 'https', 'HTTP'),
        host,
        fc.constantFrom('', ':', ':80', ':443', ':8443', ':1', '.'),
      )
      .map(([scheme, name, tail]) => `${scheme}://${name}${tail}`)
    fc.assert(
      fc.property(origin, (text) => {
        const destination = router.route(text)
        if ('refused' in destination || !destination.ruled) return
        expect(destination.origin).to.match(
          /^https:\/\/(api\.partner\.example|alt\.partner\.example:8443|x\.wild\.example)$/,
        )
      }),
      { numRuns: 500 },
    )
  })
})

function standaloneRoutes(...hosts: string[]): readonly Route[] {
  return hosts.map((host) => ({ ...ROUTE_DEFAULTS, name: host, hosts: [host] }))
}

function createTestRouter(unmatched: 'passthrough' | 'deny'): Router {
  const addresses = { allowLocalUpstreams: false, ownPorts: [15400, 15401, 15402], steeredPorts: [], ownAddresses: [] }
  return createRouter({ rules: compileRules(ROUTES), unmatched, addresses })
}
