import type { Socket } from 'node:net'
import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { orphans } from '../../support/orphans.ts'
import { openSocket } from '../../support/proxy/client.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'

/** More than a client takes that does not read, and less than the kernel does before it. */
const LONG = Buffer.alloc(512 * 1024)

describe('the connection of a client that reads nothing', () => {
  let upstream: Upstream
  let proxy: TestProxy
  let socket: Socket
  let poured = 0

  beforeEach(async () => {
    poured = 0
    upstream = await startUpstream(
      (request, reply) => {
        if (request.url === '/long') {
          reply.end(LONG)
          return
        }
        const more = (error?: Error | null): void => {
          if (error) return
          poured++
          reply.write(LONG, more)
        }
        more()
      },
      undefined,
      (_, partner) => {
        partner.on('error', () => undefined)
        partner.write(`HTTP/1.1 200 OK\r\nContent-Length: ${LONG.length}\r\n\r\n`)
        partner.end(LONG)
      },
    )
    proxy = await startTestProxy()
    socket = await openSocket(proxy.port)
    socket.on('error', () => undefined).pause()
  })
  afterEach(async () => {
    socket.destroy()
    await proxy.close()
    await upstream.close()
  })
  const get = (path: string, fields = ''): void => {
    socket.write(`GET http://other.example:${upstream.port}${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`)
  }
  /** The kernel has all of the answer. */
  const isAnswered = (): Promise<void> =>
    until(
      'it is answered',
      async () => upstream.accepted() === 1 && (await proxy.metrics()).includes('outbound_jwt_requests_in_flight 0\n'),
    )
  const leavesNothing = async (): Promise<void> => {
    await until('it is ended', async () => (await proxy.connections()) === 0)
    expect(await orphans(proxy.port), 'connections that only the kernel has').to.equal(0)
  }

  for (const [what, more] of [
    ['asks for a tunnel', 'CONNECT other.example:443 HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['sends what is no request', '\0\r\n\r\n'],
    ['sends more requests than may wait', 'GET http://other.example/ HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(100)],
  ] as const)
    it(`leaves nothing to the kernel when it ${what} during a response`, async () => {
      get('/')
      let last = 0
      await until('nothing more is taken', () => last === (last = poured) && last > 1, 20_000, 300)
      socket.write(more)
      await leavesNothing()
    })

  it('leaves nothing to the kernel a second after it has sent what is no request behind a response', async () => {
    get('/long')
    await isAnswered()
    socket.write('\0\r\n\r\n')
    await leavesNothing()
  })

  for (const [what, fields] of [
    ['the last response', 'Connection: close\r\n'],
    ['the response to an upgrade that the partner does not want', 'Connection: Upgrade\r\nUpgrade: raw\r\n'],
  ] as const)
    it(`has all of ${what} when it begins to read later`, async () => {
      get('/long', fields)
      await isAnswered()
      const end = performance.now() + 1_600
      await until('a refused one would have been reset', () => performance.now() > end)
      let bytes = 0
      socket.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume()
      await until('all is read', () => socket.readableEnded)
      expect(bytes).to.be.greaterThan(LONG.length)
    })
})
