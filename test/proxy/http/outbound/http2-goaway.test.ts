import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { END_HEADERS, END_STREAM, FRAME, PREFACE, frame } from '../../../support/proxy/http2-frames.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'
import { until } from '../../../support/until.ts'

describe('a partner that says GOAWAY and never ends its side', () => {
  let partner: Http2Partner

  before(async () => {
    const authority = await createTestAuthority()
    const pair = await authority.issue(['partner.example'])
    const server = createServer({ ...pair, ALPNProtocols: ['h2'], allowHalfOpen: true }, answerAndLeave)
    partner = new Http2Partner(server, authority.ca, () => 0)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    partner.port = (server.address() as AddressInfo).port
  })
  after(() => partner.close())

  it('is answered by the end of the connection', async () => {
    expect((await partner.call({})).status).to.equal(200)
    await until('the connection is closed', () => partner.opened[0]?.destroyed === true)
  })
})

function answerAndLeave(socket: TLSSocket): void {
  socket.on('error', () => undefined)
  socket.write(frame(FRAME.settings, 0, 0))
  let received = Buffer.alloc(0)
  let at = PREFACE.length
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    while (received.length > at + 9 && received[at + 3] !== FRAME.headers) at += 9 + received.readUIntBE(at, 3)
    if (received[at + 3] !== FRAME.headers) return
    at = Number.POSITIVE_INFINITY
    // 0x88 is :status 200. RFC 7541 Appendix A.
    socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, Buffer.of(0x88)))
    socket.write(frame(FRAME.goaway, 0, 0, Buffer.of(0, 0, 0, 1, 0, 0, 0, 0)))
  })
}
