import { readHostPattern } from '../../../../proxy/src/contract.ts'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { costOf } from '../../../support/cost.ts'
import { createHttpsUrls } from '../../../../webhook/src/injection/application/https-urls.ts'

describe('https:// URLs of partners in variables', () => {
  const find = createHttpsUrls(['api.partner.example', '*.wild.example:8443'].map(readHostPattern))

  it('are found wherever they stand in a value, in every spelling of the host', () => {
    for (const text of [
      'https://api.partner.example',
      'https://api.partner.example:443/orders?x=1',
      'HTTPS://API.Partner.Example./orders',
      'https://user:secret@api.partner.example/',
      '{"a":"https://other.example","b":"https://api.partner.example"}',
    ])
      expect(find(text), text).to.equal('api.partner.example')
    expect(find('https://a.b.wild.example:8443/')).to.equal('a.b.wild.example')
  })

  it('are not those of other hosts, schemes and ports', () => {
    for (const text of [
      '',
      'http://api.partner.example',
      'api.partner.example',
      'https://api.partner.example:8443',
      'https://api.partner.example.evil.example',
      'https://other.example/api.partner.example',
      'https://wild.example:8443',
      'https://a.wild.example',
    ])
      expect(find(text), text).to.equal(undefined)
    expect(createHttpsUrls([])('https://api.partner.example')).to.equal(undefined)
  })

  it('are looked for in a long value in a time that grows with its length alone', () => {
    expect(find('https://x@'.repeat(100_000))).to.equal(undefined)
    // Looked up domain by domain, a name of a megabyte would take hours.
    expect(find(`https://${'a.'.repeat(500_000)}wild.example:8443`)).to.equal(undefined)
  })

  it('are looked for in a time that does not grow with the labels of their names', () => {
    const urls = (label: string): string => `https://${label.repeat(240 / label.length)}.other.example `.repeat(4_000)
    const [few, many] = ['a'.repeat(60).concat('.').slice(1), 'a.'].map(urls)
    expect([find(few ?? ''), find(many ?? '')]).to.deep.equal([undefined, undefined])
    expect(costOf(() => find(many ?? ''))).to.be.below(4 * costOf(() => find(few ?? '')))
  })
})
