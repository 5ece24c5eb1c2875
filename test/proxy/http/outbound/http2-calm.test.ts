import { once } from 'node:events'
import { constants, createSecureServer } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'

describe('a partner that resets a stream with ENHANCE_YOUR_CALM', () => {
  let partner: Http2Partner

  before(async () => {
    const authority = await createTestAuthority()
    let streams = 0
    const server = createSecureServer(await authority.issue(['partner.example']))
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined)
      if (++streams % 2 === 0) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM)
      else stream.respond({ ':status': 200 }, { endStream: true })
    })
    partner = new Http2Partner(server, authority.ca, () => streams)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    partner.port = (server.address() as AddressInfo).port
  })
  after(() => partner.close())

  it('gets a request that may be repeated again, on another connection', async () => {
    expect((await partner.call({})).status).to.equal(200)
    expect((await partner.call({})).status).to.equal(200)
    expect(partner.accepted()).to.equal(2)
  })

  it('gets no other request twice, and the next one on another connection', async () => {
    expect((await partner.call({ method: 'POST' })).error?.code).to.equal('upstream_reset')
    expect((await partner.call({ method: 'POST' })).status).to.equal(200)
    expect(partner.accepted()).to.equal(3)
  })
})
