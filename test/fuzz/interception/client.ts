import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { secureThrough } from '../../support/proxy/interception.ts'
import { connectThrough } from '../../support/proxy/tunnel.ts'
import { applyMutations, createMutations } from '../bytes.ts'
import { patiently } from '../patience.ts'
import type { Random } from '../random.ts'
import { SMUGGLED } from '../requests/script.ts'
import { createFrames } from './frames.ts'

export interface Targets {
  /** Of the proxy. */
  readonly port: number
  /** `host:port` of partners, by the protocol they speak. */
  readonly partners: { readonly h1: string; readonly h2: string }
  /** PEM of what the pod trusts. */
  readonly anchor: string
}

/** What a client says once its CONNECT is answered. */
export type Manner = 'hello' | 'plain' | 'h1' | 'h2'

/** What one client saw. */
export interface Outcome {
  readonly manner: Manner
  readonly sent: Buffer
  readonly received: Buffer
  /** The client broke the connection itself, so that an answer may be missing. */
  readonly brokenByClient: boolean
}

/** Far beyond anything a proxy with the limits of this test may take. */
const HANG_MS = 10_000

/** A client that means well until its CONNECT is answered: then a garbled ClientHello, no TLS at all, or odd HTTP inside of good TLS. */
export async function misbehave(random: Random, targets: Targets): Promise<Outcome> {
  const target = targets.partners[random.pick(['h1', 'h2'] as const)]
  const manner = random.pick(['hello', 'plain', 'h1', 'h1', 'h2', 'h2', 'h2', 'h2'] as const)
  const sent = await createBytes(random, manner, target, targets)
  const socket = await open(random, manner, target, targets)
  // The proxy may have had enough of this kind of client: then it is told so, and nothing is sent.
  if (!socket) return { manner, sent: Buffer.alloc(0), received: Buffer.alloc(0), brokenByClient: false }
  return { manner, sent, ...(await converse(random, socket, sent)) }
}

async function createBytes(random: Random, manner: Manner, target: string, { partners }: Targets): Promise<Buffer> {
  switch (manner) {
    case 'hello':
      return mutated(
        random,
        await clientHello(random.pick([target, partners.h1, 'evil.example', undefined]), random.chance(0.5)),
      )
    case 'plain':
      return random.pick([
        () => Buffer.from(`GET / HTTP/1.1\r\nHost: ${target}\r\n\r\n`),
        () => createFrames(random, target),
        () => Buffer.from(Array.from({ length: random.below(300) }, () => random.below(256))),
        () => Buffer.of(0x16, 3, 1, random.below(256), random.below(256), 1),
      ])()
    case 'h1':
      return mutated(random, createHttp1(random, target, partners))
    case 'h2':
      return mutated(random, createFrames(random, random.chance(0.95) ? target : partners.h1))
  }
}

/** @returns what to write to; undefined when the proxy refuses the tunnel or the handshake. */
async function open(
  random: Random,
  manner: Manner,
  target: string,
  { port, anchor }: Targets,
): Promise<Socket | undefined> {
  if (manner === 'hello' || manner === 'plain') {
    const { status, socket } = await connectThrough(port, target)
    return status === 200 ? socket : undefined
  }
  // Now and then it speaks another protocol than it agreed upon.
  const agrees = random.chance(0.9)
  const isHttp2 = (manner === 'h2') === agrees
  const protocols = isHttp2 ? ['h2', 'http/1.1'] : random.pick([['http/1.1'], []])
  return secureThrough(port, target, { ca: anchor, ALPNProtocols: protocols }).catch(() => undefined)
}

async function converse(
  random: Random,
  socket: Socket,
  bytes: Buffer,
): Promise<Pick<Outcome, 'received' | 'brokenByClient'>> {
  const received: Buffer[] = []
  socket.on('data', (chunk: Buffer) => received.push(chunk))
  socket.on('error', () => socket.destroy())
  // An end that is not answered by one leaves a half of a connection, which the client has to close.
  socket.once('end', () => socket.end())
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
    if (socket.destroyed) resolve()
  })
  const stopAfter = random.chance(0.2) ? random.below(bytes.length + 1) : bytes.length
  const isPiecemeal = random.chance(0.2)
  for (let at = 0, pieces = 0; at < stopAfter && !socket.destroyed; pieces++) {
    // Not thousands of writes for one client.
    const piece = isPiecemeal && pieces < 40 ? 1 + random.below(30) : stopAfter
    socket.write(bytes.subarray(at, Math.min(at + piece, stopAfter)))
    at += piece
    if (isPiecemeal) await delay(random.below(3))
  }
  const brokenByClient = random.chance(0.2)
  if (brokenByClient) {
    await delay(random.below(8))
    socket.destroy()
  } else if (random.chance(0.5)) socket.end()
  await patiently(closed, HANG_MS)
  return { received: Buffer.concat(received), brokenByClient }
}

function createHttp1(random: Random, target: string, { h1, h2 }: Targets['partners']): Buffer {
  const host = random.chance(0.8)
    ? target
    : random.pick([h1, h2, 'evil.example', '', `${target}\r\nHost: evil.example`])
  const line = random.pick([
    'GET /ok',
    'GET /ok',
    'POST /ok',
    `GET https://${target}/ok`,
    'GET http://evil.example/',
    'OPTIONS *',
    `CONNECT ${target}`,
    'PRI *',
  ])
  const [fields, body] = random.pick([
    ['', ''],
    [`Content-Length: ${SMUGGLED.length}\r\n`, SMUGGLED],
    ['Transfer-Encoding: chunked\r\n', `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`],
    ['Connection: Upgrade\r\nUpgrade: h2c\r\n', ''],
    ['Expect: 100-continue\r\nContent-Length: 4\r\n', 'abcd'],
  ] as const)
  return Buffer.from(`${line} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n${body}`, 'latin1')
}

function mutated(random: Random, bytes: Buffer): Buffer {
  if (random.chance(0.65)) return bytes
  return Buffer.from(
    applyMutations(bytes.toString('latin1'), createMutations(random, 3, ['\0', '\xff', '\r\n', '\x16\x03\x01'])),
    'latin1',
  )
}

/** The first thing that a client of TLS says. */
function clientHello(target: string | undefined, offersHttp2: boolean): Promise<Buffer> {
  return new Promise((resolve) => {
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        resolve(chunk)
        done()
        wire.destroy()
      },
    })
    const secure = connectTls({
      socket: wire,
      ...(target !== undefined && { servername: target.replace(/:\d+$/, '') }),
      ...(offersHttp2 && { ALPNProtocols: ['h2', 'http/1.1'] }),
    })
    secure.on('error', () => undefined)
  })
}
