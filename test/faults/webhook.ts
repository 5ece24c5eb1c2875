// Somebody in the cluster reaches the webhook's ports and means harm. A real review must be answered all the same.
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { get } from 'node:http'
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import type { TestAuthority } from '../support/certificates.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { until } from '../support/until.ts'
import type { RunningWebhook } from '../support/webhook.ts'
import { recordedReview, startWebhook } from '../support/webhook.ts'
import type { FaultRow } from './row.ts'

/** Connections of one attack. */
const MANY = 1_000
/** Of an attack that costs the attacker as much as the webhook. */
const HANDSHAKES = 50
const REVIEWS = 20
const HEAD = 'POST /mutate?timeout=30s HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n'
const EIGHT_MIB = 8 << 20
/** Another pod, with an address of its own. */
const ATTACKER = { host: '127.0.0.1', localAddress: '127.0.0.2' }

interface Attack {
  readonly id: string
  readonly fault: string
  /** Opens one connection of it; the webhook may end it at any time. */
  readonly open: (target: Target) => Socket
  readonly connections: number
  /** Goes on with every connection that is open. */
  readonly goOn?: (socket: Socket) => void
}

interface Target {
  readonly port: number
  readonly adminPort: number
  readonly ca: string
}

const tls = ({ port, ca }: Target, text: string): Socket => {
  const socket = connectTls({ socket: connect({ port, ...ATTACKER }), servername: 'localhost', ca })
  return socket.once('secureConnect', () => socket.write(text))
}
const tcp = (port: number, bytes: string | Buffer): Socket => {
  const socket = connect({ port, ...ATTACKER })
  return socket.once('connect', () => socket.write(bytes))
}

const ATTACKS: readonly Attack[] = [
  {
    id: 'idle',
    fault: 'Three connections announce 8 MiB each to the webhook and send nothing, again and again.',
    connections: 3,
    open: (target) => tls(target, `${HEAD}Content-Length: ${EIGHT_MIB}\r\n\r\n`),
  },
  {
    id: 'trickle',
    fault: '100 connections announce 8 MiB each and send a byte now and then.',
    connections: 100,
    open: (target) => tls(target, `${HEAD}Content-Length: ${EIGHT_MIB}\r\n\r\n`),
    goOn: (socket) => void socket.write('x'),
  },
  {
    id: 'large',
    fault: 'Ten connections send 7 MiB of a body of 8 MiB, and then stop.',
    connections: 10,
    open: (target) => tls(target, `${HEAD}Content-Length: ${EIGHT_MIB}\r\n\r\n${'x'.repeat(7 << 20)}`),
  },
  {
    id: 'half-handshakes',
    fault: `${MANY} connections begin a TLS handshake with the webhook and stop in the midst of it.`,
    connections: MANY,
    open: ({ port }) => tcp(port, Buffer.from([0x16, 3, 1, 2, 0, 1, 0])),
  },
  {
    id: 'handshakes',
    fault: `${HANDSHAKES} connections at a time finish a TLS handshake with the webhook and leave, and others come in their place.`,
    connections: HANDSHAKES,
    open: (target) => {
      const socket = tls(target, '')
      return socket.once('secureConnect', () => socket.destroy())
    },
  },
  {
    id: 'connections',
    fault: `${MANY} connections to the webhook send half the head of a request.`,
    connections: MANY,
    open: (target) => tls(target, HEAD),
  },
  {
    id: 'admin-heads',
    fault: `${MANY} connections to the webhook's port for probes send half the head of a request.`,
    connections: MANY,
    open: ({ adminPort }) => tcp(adminPort, `GET /readyz HTTP/1.1\r\nX: ${'x'.repeat(15 << 10)}`),
  },
]

export const ROWS: readonly FaultRow[] = ATTACKS.map((attack) => ({
  id: `webhook-${attack.id}`,
  fault: attack.fault,
  invariant: `${REVIEWS} real reviews, each on a new connection, are answered with a sidecar meanwhile, and the probes with 200.`,
  run: () => underAttack(attack),
}))

async function underAttack({ open, connections, goOn }: Attack): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'faults-webhook-'))
  const authority = await createTestAuthority()
  const webhook = await startWebhook(directory, authority)
  const target = targetOf(webhook, authority)
  const sockets = new Set<Socket>()
  let ended = 0
  /** Whoever was thrown out comes back. */
  const refill = (): Promise<unknown> =>
    Promise.all(
      Array.from({ length: connections - sockets.size }, () => {
        const socket = open(target)
        sockets.add(socket)
        const closed = once(socket.on('error', () => socket.destroy()).resume(), 'close').then(() => {
          sockets.delete(socket)
          ended += 1
        })
        return Promise.race([once(socket, 'connect').catch(() => undefined), closed])
      }),
    )
  try {
    for (let count = 0; count < REVIEWS; count += 1) {
      await refill()
      for (const socket of sockets) goOn?.(socket)
      expect((await webhook.review(recordedReview())).allowed).to.equal(true)
      expect(await probe(webhook)).to.equal(200)
    }
    await until('the webhook ends what does not go on', () => ended >= Math.min(connections, 3), 20_000)
    const metrics = await (await fetch(`http://${webhook.adminAddress}/metrics`)).text()
    const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1])
    return `${REVIEWS} of ${REVIEWS} answered, ${ended > 0 ? 'connections of the attack ended' : 'none ended'}, ${Math.round(resident / (1 << 20))} MiB`
  } finally {
    for (const socket of sockets) socket.destroy()
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    rmSync(directory, { recursive: true })
  }
}

/** @returns the status of a probe on a connection of its own, as a kubelet sends it. */
async function probe({ adminAddress }: RunningWebhook): Promise<number | undefined> {
  const [response] = (await once(get(`http://${adminAddress}/livez`, { agent: false }), 'response')) as [
    IncomingMessage,
  ]
  response.resume()
  return response.statusCode
}

const targetOf = ({ address, adminAddress }: RunningWebhook, { ca }: TestAuthority): Target => ({
  port: Number(new URL(`https://${address}`).port),
  adminPort: Number(new URL(`http://${adminAddress}`).port),
  ca,
})
