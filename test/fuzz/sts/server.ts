import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { observe } from '../../support/proxy/upstream.ts'
import { applyMutations } from '../bytes.ts'
import type { Pace, RawAnswer } from './raw.ts'
import { SESSION_TOKEN } from './sessions.ts'

/** AWS, and the agent of Pod Identity, at one address. It says bytes, whatever HTTP thinks of them. */
export interface RawAws {
  readonly url: string
  close(): Promise<void>
}

export interface RawAwsDeps {
  /** @returns what is said to the next call for a token of this audience, and the token in it. */
  readonly toToken: (audience: string) => { readonly answer: RawAnswer; readonly token: string }
  /** @returns what is said to the next call for a session. */
  readonly toSession: () => RawAnswer
}

export async function startRawAws({ toToken, toSession }: RawAwsDeps): Promise<RawAws> {
  const respond = (socket: Socket, parameters: URLSearchParams): void => {
    const audience = parameters.get('Audience.member.1')
    const { answer, token } = audience === null ? { answer: toSession(), token: SESSION_TOKEN } : toToken(audience)
    void speak(socket, bytesOf(answer, token), answer.pace)
  }
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const body = wholeBody(received)
      if (body === undefined) return
      received = ''
      respond(socket, new URLSearchParams(body))
    })
  })
  const { port, close } = await observe(server)
  return { url: `http://127.0.0.1:${port}`, close }
}

/** The SDK frames its calls by their length; a GET has no body. */
function wholeBody(received: string): string | undefined {
  const end = received.indexOf('\r\n\r\n')
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(received)?.[1] ?? 0)
  return end >= 0 && received.length >= end + 4 + length ? received.slice(end + 4) : undefined
}

const LIFE_MS = 900_000

function bytesOf({ head, body, mutations }: RawAnswer, token: string): string {
  const from = (ms: number): string => new Date(Date.now() + ms).toISOString()
  const text = body
    .replaceAll('%TOKEN%', token)
    .replaceAll('%EXPIRATION%', from(LIFE_MS))
    .replace(/%IN (\d+) SECONDS%/, (_, seconds: string) => from(Number(seconds) * 1000))
  const length = /content-length|transfer-encoding/i.test(head)
    ? ''
    : `Content-Length: ${Buffer.byteLength(text, 'latin1')}\r\n`
  return applyMutations(`${head.replace('%DATE%', new Date().toUTCString())}${length}\r\n${text}`, mutations)
}

const DRIP_BYTES = 16
const DRIP_MS = 50

async function speak(socket: Socket, bytes: string, pace: Pace): Promise<void> {
  const half = bytes.slice(0, bytes.length / 2)
  switch (pace) {
    case 'whole':
      return void socket.write(bytes, 'latin1')
    case 'drip':
      for (let at = 0; at < bytes.length && !socket.destroyed; at += DRIP_BYTES) {
        socket.write(bytes.slice(at, at + DRIP_BYTES), 'latin1')
        await delay(DRIP_MS)
      }
      return
    case 'stall':
      return void socket.write(half, 'latin1')
    case 'end':
      return void socket.end(half, 'latin1')
    case 'reset':
      socket.write(half, 'latin1', () => socket.resetAndDestroy())
      return
    case 'reset at once':
      return void socket.resetAndDestroy()
  }
}
