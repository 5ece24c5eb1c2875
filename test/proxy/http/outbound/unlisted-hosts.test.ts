import { expect } from 'chai'
import { describe, it } from 'mocha'
import { call, errorOf } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import { audienceOf } from '../../../support/tokens/request.ts'

describe('hosts that only a wildcard allows', () => {
  it('are resolved before a token is asked for: 300 names that do not exist ask for none', async () => {
    const proxy = await startTestProxy({ routes: [{ hosts: ['*.wild.example'] }], addresses: {} })
    try {
      for (let name = 0; name < 300; name++) {
        const answer = await call(proxy.port, `http://n${name}.wild.example/`)
        expect(errorOf(answer).code).to.equal('upstream_dns_failed')
      }
      expect(proxy.tokens.asked).to.deep.equal([])
    } finally {
      await proxy.close()
    }
  })

  it('ask for no token when their addresses are refused', async () => {
    const addresses = { 'x.wild.example': ['169.254.169.254'] }
    const proxy = await startTestProxy({ routes: [{ hosts: ['*.wild.example'] }], addresses })
    try {
      expect(errorOf(await call(proxy.port, 'http://x.wild.example/')).code).to.equal('address_denied')
      expect(proxy.tokens.asked).to.deep.equal([])
    } finally {
      await proxy.close()
    }
  })

  it('are refused with Retry-After once 120 new ones got a token within a minute, while a listed host is served', async () => {
    const proxy = await startTestProxy({ routes: [{ hosts: ['*.wild.example:1', 'listed.example:1'] }] })
    try {
      for (let name = 0; name < 120; name++) await call(proxy.port, `http://n${name}.wild.example/`)
      const refused = await call(proxy.port, 'http://one-more.wild.example/')
      expect([refused.status, errorOf(refused).code]).to.deep.equal([503, 'token_unavailable'])
      expect(Number(refused.headers['retry-after'])).to.be.within(1, 60)
      expect(errorOf(await call(proxy.port, 'http://listed.example/')).code).to.equal('upstream_connect_failed')
      const hosts = proxy.tokens.asked.map((request) => audienceOf(request)[0])
      expect(hosts).to.have.lengthOf(121)
      expect(hosts.at(-1)).to.equal('https://listed.example')
    } finally {
      await proxy.close()
    }
  })
})
