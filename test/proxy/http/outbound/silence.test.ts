import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, keepAlive, open, read, response } from '../../../support/proxy/client.ts'
import type { Limits } from '../../../../proxy/src/http/limits.ts'
import { Http2Partner } from '../../../support/proxy/http2-partner.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const RULED = 'api.partner.example'
/** Longer than what partners and their clients are allowed here; undici's timers are up to a second late. */
const SILENCE_MS = 3_500

describe('silence', () => {
  let plain: Upstream
  let partner: Upstream
  let proxy: TestProxy
  let held: ServerResponse[]
  const start = async (limits: Partial<Limits>): Promise<void> => {
    held = []
    const authority = await createTestAuthority()
    plain = await startUpstream((_, reply) => void held.push(reply))
    partner = await startUpstream((_, reply) => void held.push(reply), await authority.issue([RULED]))
    proxy = await startTestProxy({
      ca: authority.ca,
      routes: [{ hosts: [`${RULED}:${partner.port}`] }],
      settings: { UPSTREAM_TIMEOUT: '1s' },
      limits,
    })
  }
  afterEach(() => Promise.all([proxy.close(), plain.close(), partner.close()]))

  it('of a host without a rule is not cut before its response or within it, on any request of a connection', async () => {
    await start({ bodyIdleMs: 1_000, silenceMarginMs: 500 })
    const agent = keepAlive()
    for (const round of [1, 2]) {
      const outgoing = open(proxy.port, `http://other.example:${plain.port}/`, { agent })
      outgoing.end()
      await until('it is there', () => held.length === round)
      setTimeout(() => held[round - 1]?.write('begun'), SILENCE_MS)
      const incoming = await response(outgoing)
      setTimeout(() => held[round - 1]?.end(', ended'), SILENCE_MS)
      expect((await read(incoming)).body).to.equal('begun, ended')
    }
    agent.destroy()
  })

  it('of a partner within its response is told as upstream_timeout, and not as a client that is gone', async () => {
    await start({ bodyIdleMs: 3_000, silenceMarginMs: 2_000 })
    const outgoing = open(proxy.port, `http://${RULED}/`)
    outgoing.end()
    await until('it is there', () => held.length === 1)
    held[0]?.write('begun')
    const error: unknown = await read(await response(outgoing)).catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'ECONNRESET')
    expect(proxy.log()).to.match(/"msg":"request failed"[^\n]*"code":"upstream_timeout"/)
    await until('it is counted', async () => (await proxy.metrics()).includes('requests_in_flight 0'))
    expect(await proxy.metrics())
      .to.match(/http_server_request_duration_seconds_count{[^}]*error_type="upstream_timeout"} 1/)
      .and.not.include('client_gone')
  })

  it('of a partner before its response is over with UPSTREAM_TIMEOUT', async () => {
    await start({ bodyIdleMs: 1_000, silenceMarginMs: 2_000 })
    expect((await call(proxy.port, `http://${RULED}/`)).status).to.equal(504)
  })

  it('of a partner before its response is not ended by interim responses', async () => {
    await start({ bodyIdleMs: 5_000, silenceMarginMs: 5_000 })
    const answered = call(proxy.port, `http://${RULED}/`)
    await until('it is there', () => held.length === 1)
    const stop = repeat(() => held[0]?.writeProcessing())
    setTimeout(() => {
      stop()
      held[0]?.end('late')
    }, SILENCE_MS)
    expect((await answered).status).to.equal(504)
  })
})

describe('silence of a partner of HTTP/2', () => {
  it('before its response is not ended by interim responses', async () => {
    const authority = await createTestAuthority()
    const server = createSecureServer(await authority.issue(['partner.example']))
    const http2 = new Http2Partner(server, authority.ca, () => 1)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    http2.port = (server.address() as AddressInfo).port
    server.on('stream', (stream: ServerHttp2Stream) => {
      stream.on('error', () => undefined)
      const stop = repeat(() => stream.destroyed || stream.additionalHeaders({ ':status': 102 }))
      setTimeout(() => {
        stop()
        if (!stream.destroyed) stream.respond({ ':status': 200 }, { endStream: true })
      }, SILENCE_MS)
    })
    const answer = await http2.call({}, 1_000)
    expect([answer.status, answer.error?.code]).to.deep.equal([0, 'upstream_timeout'])
    expect(answer.interim).not.to.be.empty
    await http2.close()
  })
})

/** @returns what ends it. */
function repeat(act: () => unknown): () => void {
  const timer = setInterval(act, 300)
  return () => clearInterval(timer)
}
