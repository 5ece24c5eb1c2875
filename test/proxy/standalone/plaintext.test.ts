import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { call, errorOf } from '../../support/proxy/client.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { audienceOf } from '../../support/tokens/request.ts'

describe('a plaintext upstream that the operator allowed', () => {
  let upstream: Upstream
  let proxy: TestProxy
  before(async () => {
    upstream = await startUpstream((incoming, outgoing) => {
      outgoing.end(`${incoming.headers.host ?? ''} ${incoming.headers.authorization ?? ''}`)
    })
    proxy = await startTestProxy({
      settings: {
        ALLOWED_HOSTS: `upstream.example:${upstream.port}`,
        UPSTREAM_SCHEME: 'http',
        ALLOW_PLAINTEXT_UPSTREAM: 'true',
      },
    })
  })
  after(async () => {
    await proxy.close()
    await upstream.close()
  })
  const get = (host: string): ReturnType<typeof call> => call(proxy.port, '/', { headers: { 'X-Upstream-Host': host } })

  it('is called in clear text, with a token whose audience says so', async () => {
    const host = `upstream.example:${upstream.port}`
    expect((await get(host)).body).to.equal(`${host} Bearer ${TEST_TOKEN}`)
    expect(proxy.tokens.asked.map(audienceOf)[0]).to.deep.equal(['http://upstream.example'])
  })

  it('is called on no other port, and the refusal says what to send', async () => {
    const answer = await get('upstream.example:1')
    expect(errorOf(answer)).to.include({ code: 'port_denied' })
    expect(answer.body).to.contain(`Send X-Upstream-Host: upstream.example:${upstream.port}`)
  })

  it('is the only one called', async () => {
    const answer = await get('other.example')
    expect(errorOf(answer)).to.include({ code: 'host_denied' })
    expect(answer.body).to.contain('Add the host to ALLOWED_HOSTS.')
  })
})
