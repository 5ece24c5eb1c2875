import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { openSocket } from '../../support/proxy/client.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { startRawUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'

const MANY = 100

describe('memory that the heads of requests hold', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let sockets: Socket[] = []
  beforeEach(async () => {
    upstream = await startRawUpstream((socket) => socket.resume())
    // The least there is for requests and connections, 12 MiB.
    proxy = await startTestProxy({ memoryBytes: 1 })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await proxy.close()
    await upstream.close()
  })

  /** @returns how many of these requests are answered 503 while none of the others is over. */
  async function refused(field: string): Promise<number> {
    let refusals = 0
    sockets = await Promise.all(Array.from({ length: MANY }, () => openSocket(proxy.port)))
    for (const socket of sockets) {
      socket.on('error', () => undefined).once('data', (chunk: Buffer) => (refusals += +chunk.includes(' 503 ')))
      socket.write(`GET http://x.example:${upstream.port}/ HTTP/1.1\r\nx: ${field}\r\n\r\n`)
    }
    await until('all are under way or refused', async () => {
      const inFlight = /^outbound_jwt_requests_in_flight (\d+)/m.exec(await proxy.metrics())
      return Number(inFlight?.[1]) + refusals === MANY
    })
    return refusals
  }

  it('is charged: past it a request is answered 503', async () => {
    expect(await refused('x'.repeat(60_000))).to.be.within(20, 80)
  })

  it('is no more than what is charged for every request where they are as long as usual', async () => {
    expect(await refused('x'.repeat(4_000))).to.equal(0)
  })
})
