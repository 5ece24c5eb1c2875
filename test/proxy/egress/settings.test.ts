import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readConfig } from '../../../proxy/src/config.ts'

describe('settings of the egress proxy', () => {
  it('are read', () => {
    const { egressProxy, egressNoProxy } = readConfig({
      EGRESS_PROXY: 'http://squid.corp.example:3128',
      EGRESS_NO_PROXY: '.svc,10.0.0.0/8',
    })
    expect(egressProxy).to.deep.equal({ scheme: 'http', host: 'squid.corp.example', port: 3128 })
    expect(egressNoProxy).to.have.length(2)
  })

  it('never show a password that stands in the URL', () => {
    expect(() => readConfig({ EGRESS_PROXY: 'http://orders:hunter2@squid:3128' }))
      .to.throw('EGRESS_PROXY')
      .with.property('message')
      .that.does.not.include('hunter2')
  })

  it('are refused without the proxy that they are for', () => {
    for (const variable of ['EGRESS_NO_PROXY', 'EGRESS_CREDENTIALS_FILE'])
      expect(() => readConfig({ [variable]: variable.endsWith('FILE') ? '/x' : 'x' })).to.throw(
        'nothing without EGRESS_PROXY',
      )
  })
})
