import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf, exchangeBytes } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startRecorder } from '../../../support/proxy/recorder.ts'
import type { Recorder } from '../../../support/proxy/recorder.ts'

const HOST = 'api.partner.example'

describe('methods', () => {
  let partner: Recorder
  let other: Recorder
  let proxy: TestProxy
  before(async () => {
    const authority = await createTestAuthority()
    partner = await startRecorder(await authority.issue([HOST]))
    other = await startRecorder()
    proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }] })
  })
  after(() => Promise.all([partner.close(), other.close(), proxy.close()]))
  afterEach(() => {
    partner.reset()
    other.reset()
  })

  it('refuses TRACE to a partner, which would return the token', async () => {
    const answer = await call(proxy.port, `http://${HOST}/`, { method: 'TRACE' })
    expect([answer.status, errorOf(answer).code]).to.deep.equal([405, 'method_not_allowed'])
    expect(answer.headers.allow).to.include('GET').and.not.include('TRACE')
    expect(partner.bytes()).to.equal('')
  })

  for (const method of ['LIST', 'BAN', 'list', 'TRACK'])
    it(`names ${method}, which Node's parser does not know, and the way around`, async () => {
      const text = await exchangeBytes(proxy.port, `${method} http://x.example:${other.port}/ HTTP/1.1\r\n\r\n`)
      expect(text).to.match(/^HTTP\/1\.1 400 /)
      expect(text).to.include(`"message":"The method ${method} is not`).and.include('outbound-jwt.io/no-proxy')
      expect(other.bytes()).to.equal('')
    })

  it('says of raw bytes in a URL that they must be percent-encoded', async () => {
    const bytes = Buffer.from(`GET http://x.example:${other.port}/\u00e4 HTTP/1.1\r\n\r\n`)
    const text = await exchangeBytes(proxy.port, bytes)
    expect(text)
      .to.match(/^HTTP\/1\.1 400 /)
      .and.include('percent-encoded')
      .and.include('outbound-jwt.io/no-proxy')
  })

  it('sends OPTIONS of an origin as OPTIONS *, and every other OPTIONS as it is', async () => {
    const origin = `http://x.example:${other.port}`
    for (const [url, target] of [
      [origin, '*'],
      [`${origin}/`, '/'],
      [`${origin}?a`, '/?a'],
      [origin, '*'],
      [`http://${HOST}`, '*'],
    ] as const) {
      const text = await exchangeBytes(proxy.port, `OPTIONS ${url} HTTP/1.1\r\nConnection: close\r\n\r\n`)
      expect(text).to.match(/^HTTP\/1\.1 200 /)
      const seen = url.includes(HOST) ? partner : other
      expect(seen.requests.at(-1)?.line).to.equal(`OPTIONS ${target}`)
    }
  })

  it('forwards TRACE to a host without a rule, which gets no token', async () => {
    expect((await call(proxy.port, `http://x.example:${other.port}/`, { method: 'TRACE' })).status).to.equal(200)
    expect(other.requests.map(({ line }) => line)).to.deep.equal(['TRACE /'])
  })
})
