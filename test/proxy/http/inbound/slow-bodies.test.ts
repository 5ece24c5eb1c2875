import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage, RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import { open, read, response } from '../../../support/proxy/client.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'

const HOST = 'api.partner.example'
const MIB = 1 << 20
const BODY = randomBytes(3 * MIB + 17)
/** Around what a TLS record, a stream and a buffered body hold. */
const PIECES = [1, 16_383, 16_384, 16_385, 7, 65_535, 65_537, 100_000]

describe('slow bodies over TLS', () => {
  let partner: Upstream
  let proxy: TestProxy
  let answer: RequestListener
  before(async () => {
    const authority = await createTestAuthority()
    partner = await startUpstream((request, reply) => answer(request, reply), await authority.issue([HOST]))
    proxy = await startTestProxy({ ca: authority.ca, routes: [{ hosts: [`${HOST}:${partner.port}`] }] })
  })
  after(() => Promise.all([partner.close(), proxy.close()]))
  const post = (headers: Readonly<Record<string, string | number>>): ReturnType<typeof open> =>
    open(proxy.port, `http://${HOST}/`, { method: 'POST', headers: { ...headers } })

  it('arrive whole when both sides dribble: download', async () => {
    answer = (_, reply) => void dribble(BODY).pipe(reply)
    const outgoing = post({})
    outgoing.end()
    expect(await digestSlowly(await response(outgoing))).to.equal(digest(BODY))
  }).timeout(30_000)

  for (const headers of [{ 'Content-Length': BODY.length }, { 'Transfer-Encoding': 'chunked' }])
    it(`arrive whole when both sides dribble: upload with ${Object.keys(headers).join()}`, async () => {
      answer = (request, reply) => void digestSlowly(request).then((hash) => reply.end(hash))
      const outgoing = post(headers)
      dribble(BODY).pipe(outgoing)
      expect((await read(await response(outgoing))).body).to.equal(digest(BODY))
    }).timeout(30_000)

  it('arrive whole both ways at once', async () => {
    answer = (request, reply) => void request.pipe(reply)
    const outgoing = post({ 'Transfer-Encoding': 'chunked' })
    dribble(BODY).pipe(outgoing)
    expect(await digestSlowly(await response(outgoing))).to.equal(digest(BODY))
  }).timeout(30_000)

  it('wait for a partner that stops reading within one, and go on with it', async () => {
    const blocks = 96
    let goOn: () => void = () => undefined
    answer = (request, reply) => {
      let stopped = false
      const hash = createHash('sha256')
      request.on('data', (chunk: Buffer) => {
        hash.update(chunk)
        if (stopped) return
        stopped = true
        request.pause()
        goOn = () => void request.resume()
      })
      request.on('end', () => reply.end(hash.digest('hex')))
    }
    const outgoing = post({ 'Content-Length': blocks * MIB })
    const whole = createHash('sha256')
    const block = BODY.subarray(0, MIB)
    for (let index = 0; index < blocks; index++) whole.update(block)
    const taken = writeBlocks(outgoing, block, blocks)
    expect(await stalls(taken)).to.be.within(1, blocks - 1)
    goOn()
    expect((await read(await response(outgoing))).body).to.equal(whole.digest('hex'))
    expect(taken()).to.equal(blocks)
  }).timeout(60_000)
})

const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex')

/** A body in pieces of every awkward size, with a breath between some of them. */
function dribble(body: Buffer): Readable {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let offset = 0, index = 0; offset < body.length; index++) {
      const size = PIECES[index % PIECES.length]!
      yield body.subarray(offset, offset + size)
      offset += size
      if (index % 5 === 0) await delay(1)
    }
  }
  return Readable.from(pieces())
}

async function digestSlowly(stream: IncomingMessage): Promise<string> {
  const hash = createHash('sha256')
  let index = 0
  for await (const chunk of stream) {
    hash.update(chunk as Buffer)
    if (index++ % 7 === 0) await delay(1)
  }
  return hash.digest('hex')
}

/** @returns how many blocks the stream has taken. */
function writeBlocks(stream: Writable, block: Buffer, blocks: number): () => number {
  let written = 0
  const more = (): void => {
    while (written < blocks) {
      written++
      if (stream.write(block)) continue
      stream.once('drain', more)
      return
    }
    stream.end()
  }
  more()
  return () => written
}

/** @returns where a counter has stood still for half a second. */
async function stalls(counter: () => number): Promise<number> {
  let last = -1
  for (;;) {
    if (counter() === last) return last
    last = counter()
    await delay(500)
  }
}
