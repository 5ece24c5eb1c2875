import { expect } from 'chai'
import { describe, it } from 'mocha'
import { open, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

describe('requests in flight', () => {
  it('are counted from the head of the request to the end of the response', async () => {
    const upstream = await startUpstream((request, reply) => request.pipe(reply))
    const proxy = await startTestProxy()
    const inFlight = async (): Promise<string | undefined> =>
      /^outbound_jwt_requests_in_flight (\d+)$/m.exec(await proxy.metrics())?.[1]
    try {
      expect(await inFlight()).to.equal('0')
      const outgoing = open(proxy.port, `http://other.example:${upstream.port}/`, { method: 'POST' })
      outgoing.flushHeaders()
      await until('the request is under way', async () => (await inFlight()) === '1')
      outgoing.end()
      await read(await response(outgoing))
      await until('it is over', async () => (await inFlight()) === '0')
    } finally {
      await proxy.close()
      await upstream.close()
    }
  })
})
