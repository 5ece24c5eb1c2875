import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call } from '../../../support/proxy/client.ts'
import { openPodAuthority, secureThrough } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN, denied } from '../../../support/proxy/tokens.ts'
import { connectThrough } from '../../../support/proxy/tunnel.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'

describe('calls of a route', () => {
  let pod: TestPodAuthority
  let partner: Upstream
  let ca: string
  let proxy: TestProxy

  before(async () => {
    const authority = await createTestAuthority()
    ca = authority.ca
    pod = await openPodAuthority(HOST)
    partner = await startUpstream((incoming, reply) => incoming.pipe(reply), await authority.issue([HOST]))
  })
  after(() => partner.close())

  /** Runs one with a route of this kind. */
  const withRoute = async (https: string, run: () => Promise<void>): Promise<void> => {
    const routes = [{ name: 'partner', hosts: [`${HOST}:${partner.port}`], https }]
    proxy = await startTestProxy({ ca, routes, authority: pod })
    try {
      await run()
    } finally {
      await proxy.close()
    }
  }
  const counts = async (): Promise<Record<string, number>> => {
    const lines = (await proxy.metrics()).matchAll(
      /^outbound_jwt_route_calls_total\{route="partner",result="(\w+)"\} (\d+)$/gm,
    )
    return Object.fromEntries([...lines].map(([, result = '', count]) => [result, Number(count)]))
  }
  const NONE = { request: 0, failed: 0, refused: 0, tunnel: 0, untrusted: 0 }

  it('are 0 from the start, so that a route that nobody calls can be alerted on', () =>
    withRoute('refuse', async () => {
      expect(await counts()).to.deep.equal(NONE)
    }))

  it('tell requests from https:// URLs that are refused, and not from calls of other hosts', () =>
    withRoute('refuse', async () => {
      await call(proxy.port, `http://${HOST}/`)
      await call(proxy.port, `http://other.example:${partner.port}/`)
      await connectThrough(proxy.port, `${HOST}:${partner.port}`)
      await connectThrough(proxy.port, `${HOST}:22`)
      expect(await counts()).to.deep.equal({ ...NONE, request: 1, refused: 1 })
    }))

  it('tell requests that left with a token from those for which there was none', () =>
    withRoute('refuse', async () => {
      proxy.tokens.answer = denied
      expect((await call(proxy.port, `http://${HOST}/`)).status).to.equal(502)
      await until('it is counted', async () => (await counts())['failed'] === 1)
      proxy.tokens.answer = () => TEST_TOKEN
      await call(proxy.port, `http://${HOST}/`)
      expect(await counts()).to.deep.equal({ ...NONE, request: 1, failed: 1 })
    }))

  it('count tunnels that carry no token', () =>
    withRoute('tunnel', async () => {
      const { socket } = await connectThrough(proxy.port, `${HOST}:${partner.port}`)
      socket.destroy()
      expect(await counts()).to.deep.equal({ ...NONE, tunnel: 1 })
    }))

  it('count clients that do not trust the certificate of interception', () =>
    withRoute('intercept', async () => {
      const failure = await secureThrough(proxy.port, `${HOST}:${partner.port}`, { ca }).catch(
        (error: unknown) => error,
      )
      expect(failure).to.be.an('error')
      await until('the refusal is counted', async () => (await counts())['untrusted'] === 1)
      expect(await counts()).to.deep.equal({ ...NONE, untrusted: 1 })
    }))
})
