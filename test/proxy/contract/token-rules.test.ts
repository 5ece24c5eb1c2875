import { expect } from 'chai'
import { describe, it } from 'mocha'
import { tokenWarnings } from '../../../proxy/src/contract.ts'
import { parseRoute, preset, routeOf } from '../../support/exchanges.ts'

describe('a route with source kubernetes', () => {
  const KUBERNETES = { source: 'kubernetes', audience: ['partner'], subjectTokenFile: '/token' }

  it('has a token of one hour, or of what the partner takes', () => {
    expect(routeOf(KUBERNETES)).to.deep.include({ ...KUBERNETES, durationSeconds: 3600 })
    expect(routeOf({ ...KUBERNETES, exchange: preset('forgerock') }).durationSeconds).to.equal(1740)
    expect(routeOf({ ...KUBERNETES, exchange: preset('openai') }).durationSeconds).to.equal(3600)
  })

  const refused: Readonly<Record<string, [object, string]>> = {
    'no audience': [{ audience: undefined }, 'ROUTES[0].audience: is missing, expected exactly one audience'],
    'two audiences': [{ audience: ['a', 'b'] }, 'exactly one audience'],
    'nine minutes': [{ durationSeconds: 540 }, '600s to 3600s with source kubernetes'],
    tags: [{ tags: { a: 'b' } }, 'ROUTES[0].tags'],
    'an algorithm': [{ signingAlgorithm: 'RS256' }, 'ROUTES[0].signingAlgorithm'],
    'no file': [{ subjectTokenFile: undefined }, 'ROUTES[0].subjectTokenFile: is missing'],
    'a token of ten minutes for Keycloak': [{ exchange: preset('keycloak') }, 'at most 300s with preset keycloak'],
  }
  for (const [what, [fields, message]] of Object.entries(refused)) {
    it(`is refused: ${what}`, () => {
      expect(parseRoute({ ...KUBERNETES, ...fields }).complaints.join('\n')).to.contain(message)
    })
  }

  it('is warned of where the partner takes each token once', () => {
    const warned = tokenWarnings(routeOf({ ...KUBERNETES, exchange: preset('anthropic') })).map(({ found }) => found)
    expect(warned.join()).to.contain('takes each token once')
    expect(tokenWarnings(routeOf({ ...KUBERNETES, exchange: preset('openai') }))).to.deep.equal([])
    expect(tokenWarnings(routeOf({ exchange: preset('anthropic') }))).to.deep.equal([])
  })

  it('has no file with source aws', () => {
    expect(parseRoute({ subjectTokenFile: '/token' }).complaints.join()).to.contain('nothing, or source kubernetes')
  })
})

describe('the client of AM', () => {
  it('is warned of where it cannot be the subject of the token', () => {
    expect(tokenWarnings(routeOf({ exchange: preset('forgerock') }))).to.deep.equal([])
    const other = routeOf({ exchange: preset('forgerock', { clientId: 'orders' }) })
    expect(
      tokenWarnings(other)
        .map(({ hint }) => hint)
        .join(),
    ).to.contain('the ARN of the role')
    const bearer = preset('forgerock', { clientId: 'orders', grant: 'jwt-bearer', clientSecretFile: '/s' })
    expect(tokenWarnings(routeOf({ exchange: bearer }))).to.deep.equal([])
  })
})
