import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { HostPattern } from '../../../../proxy/src/contract.ts'
import { readHostPattern } from '../../../../proxy/src/contract.ts'
import { createCoverage } from '../../../../webhook/src/injection/application/no-proxy-coverage.ts'
import { directHosts, entriesOf, union } from '../../../../webhook/src/injection/application/no-proxy.ts'

const coverageOf = (...hosts: readonly string[]): ReturnType<typeof createCoverage> =>
  createCoverage(hosts.map(readHostPattern))

/** @returns a value with what it lacks of these entries. */
const joined = (value: string, entries: readonly string[]): string => union(value, new Set(entriesOf(value)), entries)

describe('what an entry of NO_PROXY covers', () => {
  it('is a host by its name and by every domain it is in, in every spelling some client takes', () => {
    const coverage = coverageOf('api.partner.example')
    for (const entry of [
      'api.partner.example',
      'API.Partner.Example',
      'api.partner.example.',
      'api.partner.example:443',
      '.api.partner.example',
      '*.api.partner.example',
      'partner.example',
      '.partner.example',
      '*.partner.example:8080',
      'example',
      '.example',
      '*',
    ])
      expect(coverage(entry), entry).to.deep.equal({ extent: 'all', host: 'api.partner.example' })
  })

  it('is nothing of a partner that only looks like it', () => {
    const coverage = coverageOf('api.partner.example')
    for (const entry of [
      '',
      '.',
      '*.',
      'ner.example',
      'x.api.partner.example',
      'partner',
      '10.0.0.0/8',
      ':',
      `${'a.'.repeat(200)}example`,
    ])
      expect(coverage(entry), entry).to.equal(undefined)
  })

  it('is part of a wildcard, when the entry is below it', () => {
    const coverage = coverageOf('*.partner.example')
    expect(coverage('a.b.partner.example')).to.deep.equal({ extent: 'part', host: 'partner.example' })
    expect(coverage('partner.example')).to.deep.equal({ extent: 'all', host: 'partner.example' })
    expect(coverage('badpartner.example')).to.equal(undefined)
  })

  it('is all of one partner before part of another', () => {
    expect(coverageOf('*.partner.example', 'api.partner.example')('api.partner.example')).to.deep.equal({
      extent: 'all',
      host: 'api.partner.example',
    })
  })

  it('is nothing where there is no partner', () => {
    expect(coverageOf()('*')).to.equal(undefined)
  })

  it('is what a comparison with every partner finds', () => {
    const label = fc.constantFrom('a', 'b', 'ab', 'c')
    const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
    const partner = fc.record({ host, wildcard: fc.boolean(), port: fc.constant(443) })
    const compare = (name: string, { host: own, wildcard }: HostPattern): string =>
      name === own || own.endsWith(`.${name}`) ? 'all' : wildcard && name.endsWith(`.${own}`) ? 'part' : 'none'
    fc.assert(
      fc.property(fc.array(partner, { maxLength: 4 }), host, (partners, entry) => {
        const found = partners.map((one) => compare(entry, one))
        const expected = found.includes('all') ? 'all' : found.includes('part') ? 'part' : 'none'
        expect(createCoverage(partners)(entry)?.extent ?? 'none').to.equal(expected)
      }),
      { numRuns: 5000 },
    )
  })
})

describe('NO_PROXY', () => {
  it('names credential endpoints and the cluster, without spaces, ports or brackets', () => {
    const { entries } = directHosts([], { coverage: coverageOf('api.partner.example'), intercepts: true })
    for (const entry of [
      'localhost',
      '127.0.0.1',
      '::1',
      '169.254.169.254',
      '169.254.170.23',
      '.svc',
      '.cluster.local',
      '.amazonaws.com',
    ])
      expect(entries).to.include(entry)
    for (const entry of entries) expect(entry).to.match(/^[^\s,[\]]+$/)
    expect(entriesOf(entries.join(','))).to.deep.equal(entries)
  })

  it("leaves out what covers a partner in the cluster, and adds the author's", () => {
    const { entries } = directHosts(['.corp.example', 'localhost'], {
      coverage: coverageOf('billing.finance.svc', '*.team.svc.cluster.local'),
      intercepts: false,
    })
    expect(entries).not.to.include('.svc').and.not.to.include('.cluster.local')
    expect(entries.filter((entry) => entry === 'localhost')).to.have.lengthOf(1)
    expect(entries.at(-1)).to.equal('.corp.example')
  })

  it('is extended behind what is there, each entry once', () => {
    expect(joined('', ['a', 'b'])).to.equal('a,b')
    expect(joined('a', ['a'])).to.equal('a')
    expect(joined('b , a c;d,,\t', ['a', 'x'])).to.equal('b , a c;d,x')
    expect(joined(' ,\n', [])).to.equal('')
  })

  it('keeps every entry, in order, whatever the separators', () => {
    const value = fc.string({ unit: fc.constantFrom('a', 'b', '.', ',', ' ', '\t'), maxLength: 30 })
    const extra = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
    fc.assert(
      fc.property(value, extra, (own, entries) => {
        const added = [...new Set(entries)].filter((entry) => !entriesOf(own).includes(entry))
        const result = joined(own, [...new Set(entries)])
        expect(entriesOf(result)).to.deep.equal([...entriesOf(own), ...added])
        expect(joined(result, [...new Set(entries)])).to.equal(result)
      }),
      { numRuns: 2000 },
    )
  })
})
