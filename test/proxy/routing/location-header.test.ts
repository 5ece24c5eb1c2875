import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import { leaveLocations, rewriteLocations } from '../../../proxy/src/routing/location-header.ts'
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
  addresses: { allowLocalUpstreams: false, ownPorts: [] },
})
const destination = (origin: string): Destination => router.route(origin) as Destination

describe('a Location in the response of a partner that was called by an http:// URL', () => {
  const rewrite = rewriteLocations(rules)(destination('http://api.partner.example'))!

  const kept: readonly (readonly [string, string])[] = [
    ['https://api.partner.example/a?b#c', 'http://api.partner.example/a?b#c'],
    ['HTTPS://API.partner.example:443', 'http://api.partner.example'],
    ['https://alt.partner.example:8443/x', 'http://alt.partner.example/x'],
  ]
  for (const [from, to] of kept)
    it(`turns ${from} into ${to}`, () => {
      expect(rewrite(from)).to.equal(to)
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
      expect(rewrite(location)).to.equal(location)
    })
})

describe('a Location', () => {
  for (const origin of ['https://api.partner.example', 'http://other.example', 'https://other.example'])
    it(`goes through untouched when ${origin} was called`, () => {
      expect(rewriteLocations(rules)(destination(origin))).to.equal(undefined)
    })

  it('goes through untouched when the request has no destination', () => {
    expect(rewriteLocations(rules)(undefined)).to.equal(undefined)
  })

  it('goes through untouched in standalone mode, even in the response of a partner', () => {
    expect(leaveLocations(destination('http://api.partner.example'))).to.equal(undefined)
  })
})
