import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createTestAuthority } from '../../../support/certificates.ts'
import {
  END_HEADERS,
  END_STREAM,
  FRAME,
  PREFACE,
  frame,
  getFields,
  literals,
} from '../../../support/proxy/http2-frames.ts'
import { openPodAuthority, secureThrough } from '../../../support/proxy/interception.ts'
import type { TestPodAuthority } from '../../../support/proxy/interception.ts'
import { startTestProxy } from '../../../support/proxy/proxy.ts'
import type { TestProxy } from '../../../support/proxy/proxy.ts'

const HOST = 'api.partner.example'
const LINK_BYTES = 8 * 1024
const RESPONSES = 1_000

describe('a partner that sends interim responses without end', () => {
  let pod: TestPodAuthority
  let server: Server
  let proxy: TestProxy
  const sockets = new Set<TLSSocket>()
  before(async () => {
    const partners = await createTestAuthority()
    pod = await openPodAuthority(HOST)
    server = createServer({ ...(await partners.issue([HOST])), ALPNProtocols: ['h2'] }, (socket) => {
      sockets.add(ignoreErrors(socket))
      void flood(socket)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    proxy = await startTestProxy({
      ca: partners.ca,
      authority: pod,
      routes: [{ hosts: [authority()], https: 'intercept' }],
    })
  })
  after(async () => {
    for (const socket of sockets) socket.destroy()
    await proxy.close()
    server.close()
  })
  const ignoreErrors = (socket: TLSSocket): TLSSocket => socket.on('error', () => undefined)
  const authority = (): string => `${HOST}:${(server.address() as AddressInfo).port}`

  it('is heard for as long as a head may be, so that what the client does not read is not held, and is counted', async () => {
    const socket = await secureThrough(proxy.port, authority(), { ca: pod.anchor, ALPNProtocols: ['h2'] })
    sockets.add(ignoreErrors(socket))
    socket.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0)]))
    socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, getFields(authority())))
    await once(server, 'flooded')
    const heads = await headsUntilEnd(socket)
    expect(heads.length - 1).to.be.within(1, 8)
    const dropped = /^outbound_jwt_interim_responses_dropped_total\S* (\d+)$/m.exec(await proxy.metrics())?.[1]
    expect(Number(dropped) + heads.length - 1).to.equal(RESPONSES)
    socket.destroy()
  })

  /** @returns the flags of every head, the last one included. */
  async function headsUntilEnd(socket: TLSSocket): Promise<readonly number[]> {
    const flags: number[] = []
    let rest = Buffer.alloc(0)
    for await (const chunk of socket) {
      rest = Buffer.concat([rest, chunk as Buffer])
      for (
        ;
        rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3);
        rest = rest.subarray(9 + rest.readUIntBE(0, 3))
      )
        if (rest[3] === FRAME.headers) flags.push(rest.readUInt8(4))
      if (flags.some((value) => (value & END_STREAM) !== 0)) return flags
    }
    return expect.fail('the connection ended before the response')
  }

  /** Resolves when there is a stream. */
  async function requested(socket: TLSSocket): Promise<void> {
    let received = Buffer.alloc(0)
    for (let at = PREFACE.length; received[at + 3] !== FRAME.headers;) {
      const [chunk] = (await once(socket, 'data')) as [Buffer]
      received = Buffer.concat([received, chunk])
      while (received.length > at + 9 && received[at + 3] !== FRAME.headers) at += 9 + received.readUIntBE(at, 3)
    }
  }

  /** Says 103 as fast as it is taken, then 200. */
  async function flood(socket: TLSSocket): Promise<void> {
    socket.write(frame(FRAME.settings, 0, 0))
    await requested(socket)
    const hint = literals([
      [':status', '103'],
      ['link', 'v'.repeat(LINK_BYTES)],
    ])
    for (let count = 0; count < RESPONSES; count++)
      if (!socket.write(frame(FRAME.headers, END_HEADERS, 1, hint))) await once(socket, 'drain')
    socket.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, literals([[':status', '200']])))
    server.emit('flooded')
  }
})
