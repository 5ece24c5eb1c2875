import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { afterEach, before, beforeEach, describe, it } from 'mocha'
import type { Fault } from '../aws-emulator/src/index.ts'
import { createGroup, missingGroups } from '../support/control-group.ts'
import type { Group } from '../support/control-group.ts'
import { openSocket } from '../support/proxy/client.ts'
import { connectThrough } from '../support/proxy/tunnel.ts'
import { startRawUpstream } from '../support/proxy/upstream.ts'
import type { Upstream } from '../support/proxy/upstream.ts'
import { runLoad } from '../support/stack/load.ts'
import type { LoadOptions, Tally } from '../support/stack/load.ts'
import { ANSWER } from '../support/stack/partner.ts'
import { startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

/** The default of the chart. */
const LIMIT_MIB = 128
const MANY = 1_000
/** Everything that is sent meanwhile waits for it. */
const SLOW_TOKEN: Fault = { operation: 'GetWebIdentityToken', kind: 'delay', milliseconds: 1_500 }

describe('the shipped proxy within the memory limit of the chart', function () {
  this.timeout(120_000)
  let group: Group
  let stack: Stack

  before(async function () {
    const missing = await missingGroups()
    if (missing === undefined) return
    process.stdout.write(`left out: ${missing}\n`)
    this.skip()
  })
  beforeEach(async () => {
    group = createGroup({ memoryMiB: LIMIT_MIB })
    stack = await startStack({ group, faults: [SLOW_TOKEN] })
    stack.partner.behave((request, response) => void delay(300).then(() => ANSWER(request, response)))
  })
  afterEach(async () => {
    await stack.close()
    await group.remove()
  })
  const atOnce = (options: Partial<LoadOptions> = {}): Promise<Tally> =>
    runLoad({ proxyPort: stack.proxyPort, url: stack.url, requests: MANY, concurrency: MANY, ...options })

  for (const [what, body] of [
    ['nothing', undefined],
    ['a body of 1 KiB', Buffer.alloc(1024)],
  ] as const)
    it(`answers all of 1,000 simultaneous first requests with ${what}`, async () => {
      expect(await atOnce({ method: 'POST', ...(body && { body }) })).to.deep.equal({ 200: MANY })
      expect(group.pressure().killed).to.equal(false)
    })

  const leaving: readonly (readonly [string, number, (upstream: Upstream) => Promise<Socket>])[] = [
    [
      'an answer of 10 MB',
      200,
      async () => {
        const socket = await openSocket(stack.proxyPort)
        socket.write(`GET ${stack.url} HTTP/1.1\r\nHost: x\r\n\r\n`)
        return socket
      },
    ],
    ['a tunnel', 400, async ({ port }) => (await connectThrough(stack.proxyPort, `127.0.0.1:${port}`)).socket],
  ]
  for (const [what, count, leave] of leaving)
    it(`lives while ${count} clients leave ${what} unread`, async () => {
      const answer = Buffer.alloc(10 << 20)
      stack.partner.behave((request, response) => void request.resume().on('end', () => response.end(answer)))
      const upstream = await startRawUpstream((socket) => void socket.write(answer))
      const sockets = await Promise.all(Array.from({ length: count }, () => leave(upstream)))
      for (const socket of sockets) socket.on('error', () => undefined)
      await until('answers have begun', () => sockets.every(({ bytesRead, closed }) => closed || bytesRead > 0), 30_000)
      let last = 0
      await until(
        'nothing moves any more',
        async () => {
          const now = await stack.metric('process_resident_memory_bytes')
          const isCalm = now - last < 1 << 20
          last = now
          return isCalm
        },
        30_000,
        1_500,
      )
      for (const socket of sockets) socket.destroy()
      stack.partner.behave(ANSWER)
      expect(await atOnce({ requests: 10, concurrency: 10 })).to.deep.equal({ 200: 10 })
      expect(group.pressure().killed).to.equal(false)
      await upstream.close()
    })

  it('answers 503 to requests that it cannot hold, and lives', async () => {
    const { 200: served = 0, '503 overloaded': refused = 0 } = await atOnce({
      method: 'POST',
      body: Buffer.alloc(64 * 1024),
    })
    expect([served, refused].every((count) => count > 0)).to.equal(true)
    expect(served + refused).to.equal(MANY)
    expect(group.pressure().killed).to.equal(false)
    expect(await atOnce({ requests: 10, concurrency: 10 })).to.deep.equal({ 200: 10 })
  })
})
