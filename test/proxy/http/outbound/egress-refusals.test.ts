import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { MISSING_PROXIES, startSquid } from '../../../support/egress/proxies.ts'
import type { RunningEgressProxy } from '../../../support/egress/proxies.ts'
import { call, errorOf } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'

const PARTNER = 'api.partner.example'
const PLAIN = 'plain.example'
const DENIED = 'denied.example'
const NAMES = [PARTNER, PLAIN, DENIED]
const CREDENTIALS = { user: 'orders', password: 'cG9uaWVz' }

describe('a real egress proxy that refuses', () => {
  let world: RunningEgressProxy
  let proxy: TestProxy
  let credentials: string | undefined
  before(async function () {
    if (MISSING_PROXIES.length > 0) this.skip()
    world = await startSquid({ names: NAMES, credentials: CREDENTIALS, denied: [DENIED] })
  })
  after(async () => {
    if (MISSING_PROXIES.length === 0) await world.close()
  })
  beforeEach(async () => {
    const settings = { EGRESS_PROXY: `http://127.0.0.1:${world.port}` }
    const routes = [{ hosts: [PARTNER, DENIED] }]
    proxy = await startTestProxy({ settings, routes, addresses: {}, egressCredentials: () => credentials })
  })
  afterEach(() => proxy.close())

  const rows: readonly (readonly [string, string | undefined, string, string, RegExp])[] = [
    [
      'a missing password',
      undefined,
      PARTNER,
      'egress_proxy_unauthenticated',
      /answers 407 \(.*ERR_CACHE_ACCESS_DENIED\)\.$/,
    ],
    [
      'a wrong password',
      'orders:wrongwrong',
      PARTNER,
      'egress_proxy_unauthenticated',
      /to the user name and password that it was sent/,
    ],
    [
      'a host that it does not allow',
      `${CREDENTIALS.user}:${CREDENTIALS.password}`,
      DENIED,
      'egress_proxy_denied',
      /answers 403 \(Forbidden, ERR_ACCESS_DENIED\)/,
    ],
  ]
  for (const [what, given, host, code, message] of rows)
    it(`is named, for ${what}`, async () => {
      credentials = given
      const answer = await call(proxy.port, `http://${host}/`)
      expect(answer.status).to.equal(502)
      expect(errorOf(answer).code).to.equal(code)
      expect(errorOf(answer).message).to.match(message)
      expect(answer.body + proxy.log())
        .not.to.include('wrongwrong')
        .and.not.include(CREDENTIALS.password)
    })

  it('is named for a request without TLS, too, and its 407 is not handed on', async () => {
    credentials = undefined
    const answer = await call(proxy.port, `http://${PLAIN}/`)
    expect(answer.status).to.equal(502)
    expect(answer.headers['proxy-authenticate']).to.equal(undefined)
    expect(errorOf(answer).code).to.equal('egress_proxy_unauthenticated')
  })
})
