import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { patiently } from '../patience.ts'
import type { Random } from '../random.ts'

export interface Targets {
  readonly port: number
  readonly partner: string
  /** Its TLS port. */
  readonly partnerPort: number
  /** `host:port` of servers without a rule. */
  readonly others: readonly string[]
}

/** What one client saw. */
export interface Outcome {
  /** What it sent, for the report of a failure. */
  readonly sent: Buffer
  readonly received: string
  /** The client broke the connection itself, so that an answer may be missing. */
  readonly brokenByClient: boolean
}

const END = '\r\n'

/** A client that means well for a while: CONNECT or an upgrade, something behind it, cut into pieces, and an end at any time. */
export async function misbehave(random: Random, targets: Targets): Promise<Outcome> {
  const bytes = mutated(random, Buffer.concat([head(random, targets), tail(random, targets)]))
  const socket = connect({ port: targets.port, host: '127.0.0.1', allowHalfOpen: true })
  let received = ''
  let brokenByClient = false
  socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
  socket.on('error', () => socket.destroy())
  const stopAfter = random.below(4) === 0 ? random.below(bytes.length + 1) : bytes.length
  for (let sent = 0; sent < stopAfter && !socket.destroyed;) {
    const piece = random.below(3) === 0 ? 1 + random.below(8) : bytes.length
    socket.write(bytes.subarray(sent, Math.min(sent + piece, stopAfter)))
    sent += piece
    if (random.below(2) === 0) await delay(random.below(3))
  }
  const ending = random.pick(['end', 'end', 'reset', 'destroy', 'wait'] as const)
  await delay(random.below(8))
  if (ending === 'reset' || ending === 'destroy') {
    brokenByClient = true
    breakOff(socket, ending)
  } else {
    if (ending === 'end') socket.end()
    await finished(socket, random)
  }
  return { sent: bytes, received, brokenByClient }
}

/** Far beyond anything a proxy with the limits of this test may take. */
const HANG_MS = 5_000

/** Waits for an answer or an end, listens a little longer, and leaves. @throws when neither comes. */
async function finished(socket: Socket, random: Random): Promise<void> {
  const something = new Promise<void>((resolve) => {
    for (const event of ['data', 'end', 'close']) socket.once(event, () => resolve())
    if (socket.bytesRead > 0 || socket.readableEnded || socket.destroyed) resolve()
  })
  await patiently(something, HANG_MS)
  await delay(random.below(20))
  socket.destroy()
}

function breakOff(socket: Socket, how: 'reset' | 'destroy'): void {
  if (how === 'destroy' || socket.connecting) socket.destroy()
  else socket.resetAndDestroy()
}

function head(random: Random, { partner, partnerPort, others }: Targets): Buffer {
  const host = random.pick([partner, partner, ...others])
  const name = host.split(':')[0] ?? ''
  const authority = random.pick([
    `${name}:80`,
    `${name}:443`,
    `${partner}:${partnerPort}`,
    host,
    `${name}:0`,
    random.pick(others),
  ])
  const fields = random.pick([
    '',
    `Host: ${authority}${END}`,
    `Content-Length: 3${END}`,
    `Proxy-Connection: keep-alive${END}`,
  ])
  const upgrade = `Connection: Upgrade${END}Upgrade: ${random.pick(['websocket', 'echo', 'h2c', 'x'])}${END}`
  const line = random.pick([
    `CONNECT ${authority} HTTP/1.1${END}${fields}`,
    `CONNECT ${authority} HTTP/1.1${END}${fields}`,
    `GET http://${host}/ HTTP/1.1${END}${upgrade}${fields}`,
    `POST http://${host}/ HTTP/1.1${END}${upgrade}${fields}`,
  ])
  return Buffer.from(line + END)
}

function tail(random: Random, { partner, others }: Targets): Buffer {
  const host = random.pick([partner, partner, others[0] ?? ''])
  return random.pick([
    () => Buffer.alloc(0),
    () => bytesOf(random, random.below(2000)),
    () => Buffer.from(`GET / HTTP/1.1${END}Host: ${host}${END}${END}`),
    () =>
      Buffer.from(`GET / HTTP/1.1${END}Host: ${host}${END}Connection: Upgrade${END}Upgrade: echo${END}${END}frames`),
    () => Buffer.from(`CONNECT ${host}:80 HTTP/1.1${END}${END}`),
    () => Buffer.concat([Buffer.from([0x16, 3, 1]), bytesOf(random, 200)]),
    () => Buffer.alloc(random.below(300_000), 'x'),
  ])()
}

/** Most cases stay as they are; the others lose, gain or change a few bytes. */
function mutated(random: Random, bytes: Buffer): Buffer {
  let result = bytes
  for (let count = random.pick([0, 0, 0, 1, 3]); count > 0; count--) {
    const at = random.below(Math.min(result.length, 400))
    const change = random.pick(['flip', 'drop', 'insert'] as const)
    const kept = change === 'insert' ? at : at + 1
    const added = change === 'drop' ? Buffer.alloc(0) : bytesOf(random, 1)
    result = Buffer.concat([result.subarray(0, at), added, result.subarray(kept)])
  }
  return result
}

function bytesOf(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)))
}
