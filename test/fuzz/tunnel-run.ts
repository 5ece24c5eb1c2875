import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { createTestAuthority } from '../support/certificates.ts'
import { startTestProxy } from '../support/proxy/proxy.ts'
import { TEST_TOKEN } from '../support/proxy/tokens.ts'
import { startRawUpstream, startUpstream } from '../support/proxy/upstream.ts'
import { until } from '../support/until.ts'
import { createRandom } from './random.ts'
import { misbehave } from './tunnel.ts'
import type { Outcome } from './tunnel.ts'

export interface FuzzOptions {
  readonly seed: number
  /** No new client starts after this. */
  readonly milliseconds: number
}

export interface FuzzReport {
  readonly clients: number
  /** First three digits of the first answer, or `none`. */
  readonly statuses: Readonly<Record<string, number>>
}

const PARTNER = 'api.partner.example'
const AT_ONCE = 16

/** Lets clients misbehave around one proxy. @throws at the first broken promise, naming the seed of the client that broke it. */
export async function fuzzTunnels({ seed, milliseconds }: FuzzOptions): Promise<FuzzReport> {
  const random = createRandom(seed)
  const strayTokens: string[] = []
  const authority = await createTestAuthority()
  const partner = await startUpstream(
    (_request, reply) => reply.end('ok'),
    await authority.issue([PARTNER]),
    switchProtocols,
  )
  const noToken = (where: string, bytes: string): void => {
    if (bytes.includes(TEST_TOKEN)) strayTokens.push(where)
  }
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
  const serverRandom = createRandom(seed + 1)
  const raw = await startRawUpstream((socket) => {
    if (serverRandom.below(3) === 0) socket.write('220 ready\r\n')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      noToken('blind tunnel', received)
      const next = serverRandom.below(20)
      if (next === 0) socket.resetAndDestroy()
      else if (next === 1) socket.destroy()
      else if (next === 2) socket.end(chunk)
      else if (socket.writable) socket.write(chunk)
    })
  })
  const proxy = await startTestProxy({
    ca: authority.ca,
    routes: [{ hosts: [`${PARTNER}:${partner.port}`] }],
    settings: { UPSTREAM_TIMEOUT: '1s' },
    limits: { headMs: 300, bodyIdleMs: 500, silenceMarginMs: 0, upstreamIdleMs: 500 },
  })
  const targets = {
    port: proxy.port,
    partner: PARTNER,
    partnerPort: partner.port,
    others: [`other.example:${plain.port}`, `raw.example:${raw.port}`],
  }
  const statuses: Record<string, number> = {}
  let clients = 0
  const end = performance.now() + milliseconds
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const own = random.below(2 ** 32)
      clients++
      const outcome = await misbehave(createRandom(own), targets).catch((error: unknown) => {
        throw new Error(`client ${own}`, { cause: error })
      })
      noToken(`client ${own}`, outcome.received)
      const status = statusOf(outcome, own)
      statuses[status] = (statuses[status] ?? 0) + 1
    }
  }
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    await until('every client is gone', async () => (await proxy.connections()) === 0)
    await until('every connection to a server is gone', () => raw.sockets.size === 0)
    const metrics = await proxy.metrics()
    for (const series of ['tunnels_open{mode="blind"} 0', 'tunnels_open{mode="upgrade"} 0', 'requests_in_flight 0'])
      if (!metrics.includes(`outbound_jwt_${series}`)) throw new Error(`seed ${seed}: not ${series}`)
    if (strayTokens.length > 0) throw new Error(`seed ${seed}: a token reached ${strayTokens.join(', ')}`)
    if (/internal_error|eyJ/.test(proxy.log())) throw new Error(`seed ${seed}: ${proxy.log()}`)
    return { clients, statuses }
  } finally {
    await proxy.close()
    await Promise.all([partner.close(), plain.close(), raw.close()])
  }
}

function switchProtocols(_request: IncomingMessage, socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  socket.pipe(socket)
}

/** Whatever a client gets begins with a status line. */
function statusOf({ received, sent, brokenByClient }: Outcome, seed: number): string {
  if (received === '') return 'none'
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1]
  if (status === undefined && !brokenByClient)
    throw new Error(
      `client ${seed} sent ${JSON.stringify(sent.toString('latin1'))} and got ${JSON.stringify(received)}`,
    )
  return status ?? 'part'
}
