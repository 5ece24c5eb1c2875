import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { open, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const MIB = 1 << 20
const BLOCK = randomBytes(MIB)
const TWICE = Buffer.concat([BLOCK, BLOCK])
const TOTAL = 192 * MIB
/** Linux may hold 37 MiB for each of the two connections. Without backpressure all 192 MiB are taken. */
const HELD = 96 * MIB

describe('backpressure', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let url = ''
  let answer: RequestListener
  before(async () => {
    upstream = await startUpstream((request, reply) => answer(request, reply))
    url = `http://x.example:${upstream.port}/`
    proxy = await startTestProxy()
  })
  after(() => Promise.all([upstream.close(), proxy.close()]))

  it('takes a response only as fast as the client reads it', async () => {
    let taken = (): number => 0
    answer = (_, reply: ServerResponse) => void (taken = writeAll(reply))
    const outgoing = open(proxy.port, url)
    outgoing.end()
    const incoming = await response(outgoing)
    expect(await stalls(() => taken())).to.be.within(1, HELD)
    expect(await readAll(incoming)).to.equal(TOTAL)
  }).timeout(30_000)

  for (const headers of [{ 'Content-Length': TOTAL }, { 'Transfer-Encoding': 'chunked' }])
    it(`takes a body only as fast as the partner reads it: ${Object.keys(headers).join()}`, async () => {
      let read: () => Promise<number> = () => Promise.resolve(0)
      answer = (request, reply) => {
        read = async () => {
          const bytes = await readAll(request)
          reply.end()
          return bytes
        }
      }
      const outgoing = open(proxy.port, url, { method: 'POST', headers })
      const taken = writeAll(outgoing)
      expect(await stalls(taken)).to.be.within(1, HELD)
      const [bytes] = await Promise.all([read(), once(outgoing, 'response')])
      expect(bytes).to.equal(TOTAL)
    }).timeout(30_000)

  it('notices that a client whose body it holds back has broken off', async () => {
    let atPartner: IncomingMessage | undefined
    answer = (request) => void (atPartner = request)
    const outgoing = open(proxy.port, url, { method: 'POST', headers: { 'Content-Length': TOTAL } })
    outgoing.on('error', () => undefined)
    await stalls(writeAll(outgoing))
    expect(await proxy.connections()).to.equal(1)
    ;(outgoing.socket as Socket).resetAndDestroy()
    await until('the client is let go', async () => (await proxy.connections()) === 0)
    atPartner?.on('error', () => undefined).resume()
    await until('the partner is let go', () => upstream.sockets.size === 0)
  }).timeout(30_000)
})

/** Writes everything as fast as the stream takes it, and ends it. @returns how much has left for the kernel. */
function writeAll(stream: Writable): () => number {
  let written = 0
  const more = (): void => {
    while (written < TOTAL) {
      written += MIB
      if (stream.write(BLOCK)) continue
      stream.once('drain', more)
      return
    }
    stream.end()
  }
  more()
  return () => written - stream.writableLength
}

/** @returns how many bytes came, each of them where it belongs. */
async function readAll(stream: Readable): Promise<number> {
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const offset = bytes % MIB
    expect(chunk.equals(TWICE.subarray(offset, offset + chunk.length)), `bytes at ${bytes}`).to.equal(true)
    bytes += chunk.length
  }
  return bytes
}

/** @returns where a counter has stood still for half a second. */
async function stalls(counter: () => number): Promise<number> {
  let last = -1
  for (;;) {
    const now = counter()
    if (now === last && now > 0) return now
    last = now
    await delay(500)
  }
}
