import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import { keepLocation } from '../../../proxy/src/routing/location-header.ts'
import { compileRules } from '../../../proxy/src/routing/rules.ts'

const rules = compileRules(
  parseRoutes(JSON.stringify([{ hosts: ['api.partner.example', 'alt.partner.example:8443'] }]), 'ROUTES', (problem) =>
    expect.fail(JSON.stringify(problem)),
  ),
)

describe('keepLocation', () => {
  const kept: readonly (readonly [string, string])[] = [
    ['https://api.partner.example/a?b#c', 'http://api.partner.example/a?b#c'],
    ['HTTPS://API.partner.example:443', 'http://api.partner.example'],
    ['https://alt.partner.example:8443/x', 'http://alt.partner.example/x'],
  ]
  for (const [from, to] of kept)
    it(`turns ${from} into ${to}`, () => {
      expect(keepLocation(from, rules)).to.equal(to)
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
      expect(keepLocation(location, rules)).to.equal(location)
    })
})
