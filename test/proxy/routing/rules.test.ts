import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { Route } from '../../../proxy/src/contract.ts'
import { parseRoutes } from '../../../proxy/src/contract.ts'
import { compileRules, staticTokenRequests } from '../../../proxy/src/routing/rules.ts'
import { audienceOf } from '../../support/tokens/request.ts'

describe('compileRules', () => {
  const rules = compileRules(
    routes(
      { name: 'exact', hosts: ['api.partner.example', 'other.example:8443'], audience: ['urn:partner'] },
      { name: 'wide', hosts: ['*.partner.example'] },
      { name: 'narrow', hosts: ['*.eu.partner.example'] },
    ),
  )
  const name = (host: string): string | undefined => rules.match(host)?.route.name

  it('finds a host by its name', () => {
    expect(rules.match('other.example')).to.deep.include({ port: 8443 })
    expect(name('other.example')).to.equal('exact')
  })

  it('puts a host of its own before a wildcard, and a longer wildcard before a shorter one', () => {
    expect(name('api.partner.example')).to.equal('exact')
    expect(name('x.partner.example')).to.equal('wide')
    expect(name('x.eu.partner.example')).to.equal('narrow')
    expect(name('a.b.c.eu.partner.example')).to.equal('narrow')
  })

  it('matches neither the apex of a wildcard nor a name that only ends alike', () => {
    expect(name('partner.example')).to.equal(undefined)
    expect(name('badpartner.example')).to.equal(undefined)
    expect(name('eu.partner.example')).to.equal('wide')
    expect(name('example')).to.equal(undefined)
    expect(name('.partner.example')).to.equal('wide')
  })

  it('asks for the audience of the route, or for the matched host', () => {
    expect(audienceOf(rules.match('other.example')!.token)).to.deep.equal(['urn:partner'])
    expect(audienceOf(rules.match('x.partner.example')!.token)).to.deep.equal(['https://x.partner.example'])
  })

  it('marks the token of a host that only a wildcard allows, unless the route has an audience', () => {
    const table = compileRules(
      routes({ hosts: ['a.example', '*.b.example:8443'] }, { hosts: ['*.c.example'], audience: ['urn:c'] }),
    )
    expect(table.match('a.example')?.token).not.to.have.property('unlisted')
    expect(table.match('x.c.example')?.token).not.to.have.property('unlisted')
    expect(table.match('x.b.example')?.token.unlisted).to.deep.equal({ host: 'x.b.example', port: 8443 })
  })

  it('matches without wildcards too', () => {
    expect(compileRules(routes({ hosts: ['a.example'] })).match('b.a.example')).to.equal(undefined)
  })

  it('refuses patterns that were not parsed before', () => {
    const route = { ...routes({ hosts: ['a.example'] })[0], hosts: ['A.example.'] } as Route
    expect(() => compileRules([route])).to.throw(TypeError, 'A.example.')
  })

  it('finds what a search through the whole list finds', () => {
    const label = fc.constantFrom('a', 'b', 'c')
    const host = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => `${labels.join('.')}.example`)
    fc.assert(
      fc.property(fc.uniqueArray(host, { minLength: 1, maxLength: 8 }), host, (suffixes, wanted) => {
        const table = compileRules(routes(...suffixes.map((suffix) => ({ name: suffix, hosts: [`*.${suffix}`] }))))
        const expected = suffixes
          .filter((suffix) => wanted.endsWith(`.${suffix}`))
          .sort((one, other) => other.length - one.length)[0]
        expect(table.match(wanted)?.route.name).to.equal(expected)
      }),
    )
  })
})

describe('staticTokenRequests', () => {
  it('knows the audiences that need no request', () => {
    const requests = staticTokenRequests(
      routes(
        { hosts: ['a.example', 'b.example:8443', '*.c.example'] },
        { hosts: ['*.d.example'] },
        { hosts: ['*.e.example', 'f.example'], audience: ['urn:e'] },
      ),
    )
    expect(requests.map(audienceOf)).to.deep.equal([['https://a.example'], ['https://b.example'], ['urn:e']])
  })

  it('knows none of any host, and names hosts by the scheme they are called with', () => {
    const [route] = routes({ hosts: ['a.example'] })
    const requests = staticTokenRequests([route as Route, { ...(route as Route), hosts: ['*'] }], 'http')
    expect(requests.map(audienceOf)).to.deep.equal([['http://a.example']])
  })
})

function routes(...values: object[]): readonly Route[] {
  return parseRoutes(JSON.stringify(values), 'ROUTES', (problem) => expect.fail(JSON.stringify(problem)))
}
