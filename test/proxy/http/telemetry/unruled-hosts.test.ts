import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createUnruledHosts } from '../../../../proxy/src/http/telemetry/unruled-hosts.ts'
import { call } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import { connectThrough } from '../../../support/proxy/tunnel.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import { captureLog } from '../../../support/tokens/log.ts'

const MESSAGE = 'no rule for this host: called without a token'
const PARTNERS = ['api.partner.example', '*.wild.example', 'port.example:8443']

describe('a host without a rule', () => {
  for (const [host, partner] of [
    ['api.partnr.example', 'api.partner.example'],
    ['api.partnerr.example', 'api.partner.example'],
    ['apo.partner.example', 'api.partner.example'],
    ['pi.partner.example', 'api.partner.example'],
    ['ports.example', 'port.example'],
  ] as const)
    it(`is a warning where it is one letter away from a partner: ${host}`, () => {
      const { log, lines } = captureLog()
      createUnruledHosts(log, PARTNERS).called(host)
      expect(lines(MESSAGE)).to.have.lengthOf(1)
      expect(lines(MESSAGE)[0]).to.include({ level: 'warn', host, partner })
    })

  it('is told of once, and of 32 of them', () => {
    const { log, lines } = captureLog()
    const hosts = createUnruledHosts(log, PARTNERS)
    for (let index = 0; index < 100; index += 1) hosts.called(`host-${index % 50}.example`)
    expect(lines(MESSAGE)).to.have.lengthOf(32)
    expect(lines(MESSAGE)[0]).to.include({ level: 'info', host: 'host-0.example' })
  })

  it('is no news in a pod without partners', () => {
    const { log, lines } = captureLog()
    createUnruledHosts(log, []).called('api.partner.example')
    expect(lines(MESSAGE)).to.deep.equal([])
  })

  it('is told of whether it is called by a request or by a tunnel', async () => {
    const upstream = await startUpstream((_, reply) => reply.end())
    const proxy = await startTestProxy({ routes: [{ hosts: ['api.partner.example'] }] })
    const told = (): number => proxy.log().split('no rule for this host').length - 1
    try {
      await call(proxy.port, `http://one.example:${upstream.port}/`)
      await call(proxy.port, `http://one.example:${upstream.port}/`)
      expect(told()).to.equal(1)
      const { socket } = await connectThrough(proxy.port, `two.example:${upstream.port}`)
      socket.destroy()
      expect(told()).to.equal(2)
    } finally {
      await proxy.close()
      await upstream.close()
    }
  })
})
