import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { call, errorOf } from '../../../support/proxy/client.ts'
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

  it('forwards TRACE to a host without a rule, which gets no token', async () => {
    expect((await call(proxy.port, `http://x.example:${other.port}/`, { method: 'TRACE' })).status).to.equal(200)
    expect(other.requests.map(({ line }) => line)).to.deep.equal(['TRACE /'])
  })
})
