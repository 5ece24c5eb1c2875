// Somebody in the cluster reaches the webhook's ports and means harm. A real review must be answered all the same.
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import type { TestAuthority } from '../support/certificates.ts'
import { createTestAuthority } from '../support/certificates.ts'
import type { RunningWebhook } from '../support/webhook.ts'
import { recordedReview, startWebhook } from '../support/webhook.ts'
import type { Attack } from './attack.ts'
import { ATTACKER, probe, underAttack } from './attack.ts'
import type { FaultRow } from './row.ts'

/** Connections of one attack. */
const MANY = 1_000
/** Of an attack that costs the attacker as much as the webhook. */
const HANDSHAKES = 50
const REVIEWS = 20
const HEAD = 'POST /mutate?timeout=30s HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\n'
/** What the webhook allows for one, with a little time to spare. */
const HEAD_MS = 9_000
const EIGHT_MIB = 8 << 20

interface Target {
  readonly port: number
  readonly adminPort: number
  readonly ca: string
}

const tls = ({ port, ca }: Target, text: string): Socket => {
  const socket = connectTls({ socket: connect({ port, ...ATTACKER }), servername: 'localhost', ca })
  // It waits for the handshake, and what is written next waits behind it.
  socket.write(text)
  return socket
}
const tcp = (port: number, bytes: string | Buffer): Socket => {
  const socket = connect({ port, ...ATTACKER })
  return socket.once('connect', () => socket.write(bytes))
}

const ATTACKS: readonly Attack<Target>[] = [
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
    // Any other limit is one of a whole request, and has other words.
    isDefence: ({ said }) => said.includes('more slowly than'),
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
    // A head that is late is ended later, and told so.
    isDefence: ({ code, afterMs, said }) => code === 'ECONNRESET' && said === '' && afterMs < HEAD_MS,
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
  run: () => reviewedMeanwhile(attack),
}))

async function reviewedMeanwhile(attack: Attack<Target>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'faults-webhook-'))
  const authority = await createTestAuthority()
  const webhook = await startWebhook(directory, authority)
  try {
    await underAttack(attack, targetOf(webhook, authority), REVIEWS, async () => {
      expect((await webhook.review(recordedReview())).allowed).to.equal(true)
      expect(await probe(webhook.adminAddress)).to.equal(200)
    })
    const metrics = await (await fetch(`http://${webhook.adminAddress}/metrics`)).text()
    const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1])
    return `${REVIEWS} of ${REVIEWS} answered, connections of the attack ended, ${Math.round(resident / (1 << 20))} MiB`
  } finally {
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    rmSync(directory, { recursive: true })
  }
}

const targetOf = ({ address, adminAddress }: RunningWebhook, { ca }: TestAuthority): Target => ({
  port: Number(new URL(`https://${address}`).port),
  adminPort: Number(new URL(`http://${adminAddress}`).port),
  ca,
})
