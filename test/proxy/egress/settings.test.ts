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

  it('are refused when the proxy is one of the listeners of this process', () => {
    const settings = { LISTEN_ADDR: '127.0.0.1:3128', ADMIN_LISTEN_ADDR: '[::]:3129', STEERED_PORTS: '80' }
    const routes = JSON.stringify([{ hosts: ['api.partner.example'] }])
    for (const [host, port] of [
      ['localhost', 3128],
      ['127.0.0.2', 3129],
      ['[::1]', 15402],
      ['0.0.0.0', 80],
    ] as const)
      expect(() => readConfig({ ...settings, ROUTES: routes, EGRESS_PROXY: `http://${host}:${port}` })).to.throw(
        `EGRESS_PROXY: got "http://${host}:${port}", expected another proxy: port ${port} of this pod is the sidecar itself`,
      )
    expect(() => readConfig({ ...settings, EGRESS_PROXY: 'http://localhost:15400' })).not.to.throw()
  })

  it('are refused when the proxy is the listener of standalone mode', () => {
    const standalone = { UPSTREAM_HOST: 'api.partner.example', LISTEN_ADDR: ':8080' }
    expect(() => readConfig({ ...standalone, EGRESS_PROXY: 'http://localhost:8080' })).to.throw('port 8080 of this pod')
  })

  it('are refused without the proxy that they are for', () => {
    for (const variable of ['EGRESS_NO_PROXY', 'EGRESS_CREDENTIALS_FILE'])
      expect(() => readConfig({ [variable]: variable.endsWith('FILE') ? '/x' : 'x' })).to.throw(
        'nothing without EGRESS_PROXY',
      )
  })
})
