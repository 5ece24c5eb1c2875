import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import { leaveHttpsFields, rewriteHttpsFields } from '../../../proxy/src/routing/https-fields.ts'
import { createRouter } from '../../../proxy/src/routing/router.ts'
import type { Destination } from '../../../proxy/src/routing/router.ts'
import { compileRules } from '../../../proxy/src/routing/rules.ts'

const rules = compileRules(
  parseRoutes(JSON.stringify([{ hosts: ['api.partner.example', 'alt.partner.example:8443'] }]), 'ROUTES', (problem) =>
    expect.fail(JSON.stringify(problem)),
  ),
)

const router = createRouter({
  rules,
  unmatched: 'passthrough',
  addresses: { allowLocalUpstreams: false, ownPorts: [], steeredPorts: [], ownAddresses: [] },
})
const destination = (origin: string): Destination => router.route(origin) as Destination

describe('a Location in the response of a partner that was called by an http:// URL', () => {
  const rewrite = rewriteHttpsFields(rules)(destination('http://api.partner.example'))!

  const kept: readonly (readonly [string, string])[] = [
    ['https://api.partner.example/a?b#c', 'http://api.partner.example/a?b#c'],
    ['HTTPS://API.partner.example:443', 'http://api.partner.example'],
    ['https://alt.partner.example:8443/x', 'http://alt.partner.example/x'],
  ]
  for (const [from, to] of kept)
    it(`turns ${from} into ${to}`, () => {
      expect(rewrite('location', from)).to.equal(to)
    })

  const untouched = [
    '/relative',
    '//api.partner.example/x',
    'http://api.partner.example/',
    'https://other.example/',
    'https://alt.partner.example/',
    'https://api.partner.example:8443/',
    'https://user@api.partner.example/',
    'https://10.0.0.1/',
    '',
  ]
  for (const location of untouched)
    it(`leaves ${JSON.stringify(location)} alone`, () => {
      expect(rewrite('location', location)).to.equal(location)
    })
})

describe('what else a client of an http:// URL would obey', () => {
  const rewrite = rewriteHttpsFields(rules)(destination('http://api.partner.example'))!
  const P = 'api.partner.example'

  const changed: readonly (readonly [name: string, from: string, to: string | undefined])[] = [
    ['content-location', `https://${P}/a`, `http://${P}/a`],
    ['refresh', `5; url=https://${P}/a`, `5; url=http://${P}/a`],
    ['refresh', `0;URL='https://${P}/a?b'`, `0;URL='http://${P}/a?b'`],
    ['link', `<https://${P}/?p=2>; rel="next", </x>; rel=a`, `<http://${P}/?p=2>; rel="next", </x>; rel=a`],
    [
      'link',
      `<https://other.example/>; rel=a, <https://${P}/l>; rel=last`,
      `<https://other.example/>; rel=a, <http://${P}/l>; rel=last`,
    ],
    ['set-cookie', 'id=1; Path=/; Secure; HttpOnly', 'id=1; Path=/; HttpOnly'],
    ['set-cookie', 'id=1;secure', 'id=1'],
    ['set-cookie', 'id=1; SameSite=None; Secure', 'id=1'],
    ['set-cookie', 'id=1; SameSite=Lax; Secure', 'id=1; SameSite=Lax'],
    ['set-cookie', 'id=1; Domain=; Secure', 'id=1; Domain='],
    ['strict-transport-security', 'max-age=31536000', undefined],
  ]
  for (const [name, from, to] of changed)
    it(`turns ${name}: ${from} into ${to ?? 'nothing'}`, () => {
      expect(rewrite(name, from)).to.equal(to)
    })

  const kept: readonly (readonly [name: string, value: string])[] = [
    ['link', '<https://other.example/>; rel=next'],
    ['refresh', '5'],
    ['refresh', '5; url=https://other.example/'],
    ['set-cookie', 'id=secure; Path=/secure'],
    ['set-cookie', 'id=1; SameSite=None'],
    // SECURITY: it would be sent to hosts without a rule, in clear text.
    ['set-cookie', 'id=1; Domain=partner.example; Secure'],
    ['set-cookie', '__Host-id=1; Path=/; Secure'],
    ['set-cookie', '__Secure-id=1; Secure'],
    ['x-next', `https://${P}/`],
  ]
  for (const [name, value] of kept)
    it(`leaves ${name}: ${value} alone`, () => {
      expect(rewrite(name, value)).to.equal(value)
    })
})

describe('a field', () => {
  for (const origin of ['https://api.partner.example', 'http://other.example', 'https://other.example'])
    it(`goes through untouched when ${origin} was called`, () => {
      expect(rewriteHttpsFields(rules)(destination(origin))).to.equal(undefined)
    })

  it('goes through untouched when the request has no destination', () => {
    expect(rewriteHttpsFields(rules)(undefined)).to.equal(undefined)
  })

  it('goes through untouched in standalone mode, even in the response of a partner', () => {
    expect(leaveHttpsFields(destination('http://api.partner.example'))).to.equal(undefined)
  })
})
