import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { createTestAuthority } from '../../support/certificates.ts'
import { startTestProxy } from '../../support/proxy/proxy.ts'
import type { TestProxy } from '../../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../../support/proxy/upstream.ts'
import { until } from '../../support/until.ts'
import { createRandom } from '../random.ts'
import type { Targets } from './client.ts'

const PARTNER = 'api.partner.example'
/** On a machine that is busy with something else. */
const BUSY_MS = 60_000

/** A proxy among a partner that switches protocols, a server that does so too, and one that talks and breaks off as it likes. */
export interface TunnelWorld {
  readonly proxy: TestProxy
  readonly targets: Targets
  /** Where the token was seen that it must not reach. */
  readonly strayTokens: readonly string[]
  /** Waits until no connection is left. @throws when one is. */
  quiet(): Promise<void>
  close(): Promise<void>
}

export async function createTunnelWorld(): Promise<TunnelWorld> {
  const strayTokens: string[] = []
  const noToken = (where: string, bytes: string): void => {
    if (bytes.includes(TEST_TOKEN)) strayTokens.push(where)
  }
  const authority = await createTestAuthority()
  const pair = await authority.issue([PARTNER])
  const partner = await startUpstream((_request, reply) => reply.end('ok'), pair, switchProtocols)
  const plain = await startUpstream(
    (request, reply) => {
      noToken('plain upstream', JSON.stringify(request.rawHeaders))
      reply.end('ok')
    },
    undefined,
    (request, socket) => {
      noToken('plain upgrade', JSON.stringify(request.rawHeaders))
      switchProtocols(request, socket)
    },
  )
  const raw = await startRawUpstream(moody((received) => noToken('blind tunnel', received)))
  const proxy = await startTestProxy({
    ca: authority.ca,
    routes: [{ hosts: [`${PARTNER}:${partner.port}`] }],
    settings: { UPSTREAM_TIMEOUT: '1s' },
    limits: { headMs: 300, bodyIdleMs: 500, unruledMs: 1_000, silenceMarginMs: 0, upstreamIdleMs: 500 },
  })
  return {
    proxy,
    targets: {
      port: proxy.port,
      partner: PARTNER,
      partnerPort: partner.port,
      others: [`other.example:${plain.port}`, `raw.example:${raw.port}`],
    },
    strayTokens,
    quiet: async () => {
      await until('every client is gone', async () => (await proxy.connections()) === 0, BUSY_MS)
      await until('every connection to a server is gone', () => raw.sockets.size === 0, BUSY_MS)
    },
    close: async () => {
      await proxy.close()
      await Promise.all([partner.close(), plain.close(), raw.close()])
    },
  }
}

function switchProtocols(_request: IncomingMessage, socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  socket.pipe(socket)
}

/** Sometimes speaks first; echoes, and breaks off now and then. */
function moody(seen: (received: string) => void): (socket: Socket) => void {
  const random = createRandom(1)
  return (socket) => {
    if (random.chance(0.3)) socket.write('220 ready\r\n')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      seen(received)
      const next = random.below(20)
      // A reset while the shutdown is under way fails with EINVAL in libuv, and Node then never closes the connection.
      if (next === 0 && !socket.writableEnded) socket.resetAndDestroy()
      else if (next === 1) socket.destroy()
      else if (next === 2) socket.end(chunk)
      else if (socket.writable) socket.write(chunk)
    })
  }
}
