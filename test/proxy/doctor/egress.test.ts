import { expect } from 'chai'
import { describe, it } from 'mocha'
import { examineEgress } from '../../../proxy/src/doctor/egress.ts'
import { ERRORS, ProxyError } from '../../../proxy/src/errors.ts'

const url = 'http://squid.corp.example:3128'

describe('doctor on the egress proxy', () => {
  it('passes when it accepts a connection', async () => {
    const finding = await examineEgress({ url, reach: () => Promise.resolve() })
    expect(finding).to.include({ id: 'egress', subject: url, verdict: 'pass' })
  })

  it('fails with the code and the hint of why it does not', async () => {
    const reach = (): Promise<void> => Promise.reject(new ProxyError('egress_proxy_unreachable'))
    expect(await examineEgress({ url, reach })).to.include({
      verdict: 'fail',
      fix: ERRORS.egress_proxy_unreachable.hint,
      reason: 'egress_proxy_unreachable',
    })
  })

  it('does not break on what it does not know', async () => {
    const reach = (): Promise<void> => Promise.reject(new TypeError('x'))
    expect(await examineEgress({ url, reach })).to.include({ verdict: 'fail', reason: 'internal_error' })
  })
})
