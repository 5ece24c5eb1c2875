import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Readable, pipeline } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket, createSecureContext } from 'node:tls'
import type { KeyPair } from '../../support/certificates.ts'
import { observe } from '../../support/proxy/upstream.ts'
import type { Upstream } from '../../support/proxy/upstream.ts'
import type { Pace } from './answer.ts'

/** Both as text of which each character is a byte. */
export interface RawCall {
  readonly head: string
  readonly body: string
}

export interface RawReply {
  /** Text of which each character is a byte. */
  readonly bytes: string
  readonly pace: Pace
}

export interface RawServer extends Upstream {
  /** The most bytes of a flood that a client took, those in buffers of sockets included. */
  takenBytes(): number
}

/** Starts a server that says bytes, whatever HTTP thinks of them. @param pair for one that speaks TLS. */
export async function startRawServer(replyTo: (call: RawCall) => RawReply, pair?: KeyPair): Promise<RawServer> {
  let mostTaken = 0
  const onTaken = (bytes: number): void => {
    mostTaken = Math.max(mostTaken, bytes)
  }
  const secureContext = pair && createSecureContext(pair)
  const upstream = await observe(
    createServer((connection) => {
      const socket = secureContext ? new TLSSocket(connection, { isServer: true, secureContext }) : connection
      for (const each of new Set([connection, socket])) each.on('error', () => connection.destroy())
      let received = ''
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1')
        const call = wholeCall(received)
        if (call === undefined) return
        received = ''
        speak(socket, connection, replyTo(call), onTaken)
      })
    }),
  )
  return { ...upstream, takenBytes: () => mostTaken }
}

/** Clients of the product frame their calls by their length; a GET has no body. */
function wholeCall(received: string): RawCall | undefined {
  const end = received.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0)
  return end >= 0 && received.length >= end + 4 + length
    ? { head: received.slice(0, end), body: received.slice(end + 4) }
    : undefined
}

/** @returns a message with the end of its head, and a length where the head does not frame it. */
export function withLength(head: string, body: string): string {
  const length = /content-length|transfer-encoding/i.test(head) ? '' : `Content-Length: ${body.length}\r\n`
  return `${head}${length}\r\n${body}`
}

const DRIP_BYTES = 16
const DRIP_MS = 50
/** Of all that follows. */
const FLOOD_BYTES = 64 * 1024 * 1024
const WAVE = Buffer.alloc(256 * 1024, 'a')

/** @param connection what the socket speaks through: only that can be reset. */
function speak(socket: Socket, connection: Socket, { bytes, pace }: RawReply, onTaken: (bytes: number) => void): void {
  const half = bytes.slice(0, bytes.length / 2)
  switch (pace) {
    case 'whole':
      return void socket.write(bytes, 'latin1')
    case 'drip':
      return void drip(socket, bytes)
    case 'stall':
      return void socket.write(half, 'latin1')
    case 'end':
      return void socket.end(half, 'latin1')
    case 'reset':
      return void socket.write(half, 'latin1', () => connection.resetAndDestroy())
    case 'reset at once':
      return void connection.resetAndDestroy()
    case 'flood':
      socket.write(bytes, 'latin1')
      return void pipeline(Readable.from(waves(onTaken)), socket, () => undefined)
  }
}

async function drip(socket: Socket, bytes: string): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += DRIP_BYTES) {
    socket.write(bytes.slice(at, at + DRIP_BYTES), 'latin1')
    await delay(DRIP_MS)
  }
}

/** @param onTaken called with the bytes that went before, whenever there is room for more. */
function* waves(onTaken: (bytes: number) => void): Generator<Buffer> {
  for (let sent = 0; sent < FLOOD_BYTES; sent += WAVE.length) {
    onTaken(sent)
    yield WAVE
  }
}
