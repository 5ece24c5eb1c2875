import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOSTS = ['quick.example', 'slow.example', 'none.example'] as const

describe("a route's timeout", () => {
  let upstream: Upstream
  let proxy: TestProxy
  const held: (() => void)[] = []
  const start = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    held.length = 0
    const authority = await createTestAuthority()
    upstream = await startUpstream(
      (_, reply) => {
        held.push(() => void reply.end('ok'))
      },
      await authority.issue(HOSTS),
    )
    const host = (name: string): string => `${name}:${upstream.port}`
    proxy = await startTestProxy({
      ca: authority.ca,
      settings,
      routes: [
        { hosts: [host('quick.example')], timeoutSeconds: 1 },
        { hosts: [host('slow.example')], timeoutSeconds: 60 },
        { hosts: [host('none.example')] },
      ],
    })
  }
  const get = (host: string): ReturnType<typeof call> => call(proxy.port, `http://${host}/`)
  afterEach(() => Promise.all([proxy.close(), upstream.close()]))

  it('ends the requests to its own partners alone', async () => {
    await start({})
    const patient = [get('slow.example'), get('none.example')]
    await until('both are there', () => held.length === 2)
    const late = await get('quick.example')
    expect([late.status, errorOf(late).code]).to.deep.equal([504, 'upstream_timeout'])
    expect(late.body).to.include('timeout field of outbound-jwt.io/routes')
    for (const answer of held) answer()
    expect((await Promise.all(patient)).map(({ status }) => status)).to.deep.equal([200, 200])
  })

  it('wins over UPSTREAM_TIMEOUT, which is for the others', async () => {
    await start({ UPSTREAM_TIMEOUT: '1s' })
    const patient = get('slow.example')
    await until('it is there', () => held.length === 1)
    expect((await get('none.example')).status).to.equal(504)
    held[0]?.()
    expect((await patient).status).to.equal(200)
  })
})
