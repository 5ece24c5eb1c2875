import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { constants } from 'node:http2'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { ask, open, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import { openPodAuthority } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'

const HOST = 'api.partner.example'

describe('a client of HTTP/2 that gives up one download after the other', () => {
  let pod: TestPodAuthority
  let partner: Upstream
  let proxy: TestProxy
  let held: ServerResponse | undefined

  before(async () => {
    const partners = await createTestAuthority()
    pod = await openPodAuthority(HOST)
    partner = await startUpstream(
      (request, reply) => {
        if (request.url === '/large') reply.end(Buffer.alloc(5 << 20))
        else if (request.url === '/held') held = reply
        else reply.end('ok')
      },
      await partners.issue([HOST]),
    )
    const routes = [{ hosts: [`${HOST}:${partner.port}`], https: 'intercept' as const }]
    proxy = await startTestProxy({ ca: partners.ca, authority: pod, routes })
  })
  after(async () => {
    await proxy.close()
    await partner.close()
  })

  it('is asked for another connection after the hundredth, and what is open on this one is answered', async function () {
    this.timeout(30_000)
    const session = await secureHttp2(proxy.port, `${HOST}:${partner.port}`, pod.anchor)
    const late = ask(session, { ':path': '/held' })
    const goaway = once(session, 'goaway') as Promise<[code: number]>
    for (let download = 0; download < 100; download++) {
      const { stream, answer, done } = open(session, { ':path': '/large' })
      await once(stream, 'response')
      expect(answer.status).to.equal(200)
      stream.close(constants.NGHTTP2_CANCEL)
      await done
    }
    expect((await goaway)[0]).to.equal(constants.NGHTTP2_NO_ERROR)
    held?.end('late')
    expect(await late).to.include({ status: 200, body: 'late' })

    const next = await secureHttp2(proxy.port, `${HOST}:${partner.port}`, pod.anchor)
    expect(await ask(next, { ':path': '/' })).to.include({ status: 200, body: 'ok' })
    next.destroy()
  })
})
