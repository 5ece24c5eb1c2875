import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'
import { until } from '../../../support/until.ts'

describe('uploads by HTTP/2 that are given up', () => {
  let partner: Http2Partner

  before(async () => {
    const authority = await createTestAuthority()
    const server = createSecureServer(await authority.issue(['partner.example']))
    server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      stream.on('error', () => undefined)
      // Nobody reads an upload.
      stream.respond({ ':status': 200 }, { endStream: headers[':method'] === 'GET' })
    })
    partner = new Http2Partner(server, authority.ca, () => 0)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    partner.port = (server.address() as AddressInfo).port
  })
  after(() => partner.close())

  it('do not use up the memory of the connection, which makes way for another after the hundredth', async function () {
    this.timeout(30_000)
    for (let upload = 0; upload < 250; upload++) {
      const body = Readable.from(Array.from({ length: 40 }, () => Buffer.alloc(65_536)))
      const { answer, forwarding } = partner.start({ method: 'POST', body })
      await until('the partner has answered', () => answer.status !== 0 || answer.error !== undefined)
      expect(answer.status).to.equal(200)
      forwarding.abort()
    }
    expect((await partner.call({})).status).to.equal(200)
    expect(partner.accepted()).to.equal(3)
  })
})
