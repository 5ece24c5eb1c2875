import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, afterEach, before, beforeEach, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import type { TestAuthority } from '../../../support/certificates.ts'
import { ask, secureHttp2 } from '../../../support/proxy/http2-client.ts'
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  PREFACE,
  flood,
  frame,
  getFields,
} from '../../../support/proxy/http2-frames.ts'
import { openPodAuthority, secureThrough } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../../support/proxy/tokens.ts'
import { startUpstream } from '../../../support/proxy/upstream.ts'
import type { Upstream } from '../../../support/proxy/upstream.ts'
import { until } from '../../../support/until.ts'

const HOST = 'api.partner.example'
const MIB = 1024 * 1024

describe('a hostile client of HTTP/2', () => {
  let partners: TestAuthority
  let pod: TestPodAuthority
  let partner: Upstream
  let proxy: TestProxy
  const seen: IncomingMessage[] = []

  before(async () => {
    partners = await createTestAuthority()
    pod = await openPodAuthority(HOST)
    partner = await startUpstream(
      (request, reply) => {
        seen.push(request)
        if (request.url !== '/held') reply.end('ok')
      },
      await partners.issue([HOST]),
    )
  })
  after(() => partner.close())
  beforeEach(async () => {
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [authority()], https: 'intercept' }],
    })
  })
  afterEach(async () => {
    seen.length = 0
    await proxy.close()
  })

  const authority = (): string => `${HOST}:${partner.port}`
  const connect = async (): Promise<TLSSocket> => {
    const socket = await secureThrough(proxy.port, authority(), { ca: pod.anchor, ALPNProtocols: ['h2'] })
    socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]))
    return socket
  }
  const request = (id: number, more?: readonly (readonly [string, string])[]): Buffer =>
    frame(FRAME.headers, END_HEADERS | END_STREAM, id, getFields(authority(), '/', more))

  const floods: readonly (readonly [string, (turn: number) => Buffer, number, boolean])[] = [
    [
      'resets its streams as fast as it opens them',
      (turn) =>
        Buffer.concat([request(2 * turn + 1), frame(FRAME.rstStream, 0, 2 * turn + 1, Buffer.from([0, 0, 0, 8]))]),
      10_000,
      true,
    ],
    [
      'never ends a head',
      (turn) =>
        turn === 0
          ? frame(FRAME.headers, END_STREAM, 1, getFields(authority()))
          : frame(FRAME.continuation, 0, 1, Buffer.concat([Buffer.of(0, 1, 97, 100), Buffer.alloc(100, 'v')])),
      10_000,
      true,
    ],
    ['sends settings and reads no answer', () => frame(FRAME.settings, 0, 0), 2_000_000, false],
    ['sends pings and reads no answer', () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)), 1_000_000, false],
    ['opens more streams than it may', (turn) => request(2 * turn + 1, [['x-turn', `${turn}`]]), 10_000, true],
  ]
  for (const [what, chunk, turns, reads] of floods)
    it(`is cut off when it ${what}, and others are served meanwhile`, async () => {
      const other = await secureHttp2(proxy.port, authority(), pod.anchor)
      const socket = await connect()
      if (reads) socket.resume()
      else socket.pause()
      const before = process.memoryUsage.rss()
      const batch = 50
      const batched = (turn: number): Buffer =>
        Buffer.concat(Array.from({ length: batch }, (_, index) => chunk(turn * batch + index)))
      const flooded = flood(socket, batched, turns / batch)
      expect((await ask(other, { ':path': '/' })).status).to.equal(200)
      expect(await flooded).to.equal(true)
      expect(process.memoryUsage.rss() - before).to.be.lessThan(128 * MIB)
      expect((await ask(other, { ':path': '/' })).status).to.equal(200)
      await until('nothing is left', async () => (await proxy.metrics()).includes('outbound_jwt_requests_in_flight 0'))
      other.destroy()
    })

  it('is let go of when it has begun a frame and never ends it', async () => {
    await proxy.close()
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [authority()], https: 'intercept' }],
      limits: { keepAliveMs: 50 },
    })
    const socket = await connect()
    socket.on('error', () => undefined).resume()
    socket.write(request(1).subarray(0, 20))
    await until('it is let go of', () => socket.closed)
    expect(seen).to.deep.equal([])
  })

  const hostile: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
    ['Transfer-Encoding', [['transfer-encoding', 'chunked']]],
    ['Connection', [['connection', 'authorization']]],
    ['Upgrade', [['upgrade', 'websocket']]],
    ['a line feed in a value', [['x-a', '1\nauthorization: other']]],
    ['a carriage return and a line feed in a value', [['x-a', '1\r\n\r\nGET /smuggled HTTP/1.1']]],
    ['a colon in a name', [['x-a: 1', '2']]],
    ['a line feed in a name', [['x-a\r\nhost', 'other.example']]],
    ['a name in upper case', [['X-A', '1']]],
    ['a second path', [[':path', '/smuggled']]],
    ['a Content-Length for a request that has ended', [['content-length', '10']]],
    [
      'two lengths',
      [
        ['content-length', '0'],
        ['content-length', '5'],
      ],
    ],
    ['a TE other than trailers', [['te', 'chunked']]],
    [
      'a second Host',
      [
        ['host', 'other.example'],
        ['host', HOST],
      ],
    ],
    ['a field of 100 KB', [['x-a', 'v'.repeat(100_000)]]],
    ['300 fields', Array.from({ length: 300 }, (_, index) => [`x-${index}`, '1'] as const)],
  ]
  for (const [what, fields] of hostile)
    it(`cannot get ${what} to a partner that speaks HTTP/1.1`, async () => {
      const socket = await connect()
      socket.on('error', () => undefined)
      let answered = false
      socket.on('data', (chunk: Buffer) => (answered ||= chunk.length > 0))
      const payload = getFields(authority(), '/', fields)
      const head = [frame(FRAME.headers, END_STREAM, 1, payload.subarray(0, 16_000))]
      for (let at = 16_000; at < payload.length; at += 16_000)
        head.push(frame(FRAME.continuation, 0, 1, payload.subarray(at, at + 16_000)))
      const last = head.at(-1) as Buffer
      last.writeUInt8(last.readUInt8(4) | END_HEADERS, 4)
      socket.write(Buffer.concat(head))
      socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 3, getFields(authority(), '/next')))
      const isNext = (): boolean => seen.some(({ url }) => url === '/next')
      await until('the next request is there, or the connection is gone', () => isNext() || socket.destroyed)
      expect(answered).to.equal(true)
      // nghttp2 drops some fields and lets their request go on.
      for (const { url, headers } of seen) {
        expect(url).to.match(/^\/(?:next)?$/)
        expect(headers).to.have.all.keys('host', 'connection', 'authorization')
        expect(headers).to.include({ host: authority(), authorization: `Bearer ${TEST_TOKEN}` })
      }
      socket.destroy()
    })
})
