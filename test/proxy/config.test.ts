import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readConfig } from '../../proxy/src/config.ts'

const CLUSTER = { hosts: ['a.example'], source: 'kubernetes', audience: ['a'], subjectTokenFile: '/token' }
const AWS = { hosts: ['b.example'] }

describe('CREDENTIALS', () => {
  it('is none for routes that never ask AWS, and aws by default', () => {
    expect(readConfig({ ROUTES: JSON.stringify([CLUSTER]), CREDENTIALS: 'none' }).credentials).to.equal('none')
    expect(readConfig({ ROUTES: JSON.stringify([AWS]) }).credentials).to.equal('aws')
  })

  it('is refused as none where a route gets its token from AWS', () => {
    const read = (): unknown => readConfig({ ROUTES: JSON.stringify([CLUSTER, AWS]), CREDENTIALS: 'none' })
    expect(read).to.throw('CREDENTIALS: got "none", expected aws, because route b.example gets its token from AWS')
  })

  it('is refused in standalone mode', () => {
    const read = (): unknown => readConfig({ UPSTREAM_HOST: 'a.example', CREDENTIALS: 'none' })
    expect(read).to.throw('CREDENTIALS: got "none", expected nothing beside UPSTREAM_HOST or ALLOWED_HOSTS')
  })
})

describe('a route that may well not work', () => {
  it('is warned of once at start, with what to do', () => {
    const exchange = {
      preset: 'anthropic',
      federationRuleId: 'fdrl_1',
      organizationId: '11111111-2222-3333-4444-555555555555',
      serviceAccountId: 'svac_1',
    }
    const { warnings } = readConfig({ ROUTES: JSON.stringify([{ ...CLUSTER, exchange }]) })
    expect(warnings).to.have.lengthOf(1)
    expect(warnings[0]?.message).to.contain('route a.example: preset anthropic takes each token once')
    expect(warnings[0]?.hint).to.contain('source aws')
  })
})
