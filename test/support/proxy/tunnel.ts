import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** The answer to a CONNECT, byte for byte. */
export interface ConnectAnswer {
  readonly status: number
  /** Reason phrase. */
  readonly reason: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Of a refusal, complete. */
  readonly body: string
  /** Half-open if need be; what the other side said first can be read from it. */
  readonly socket: Socket
}

export interface ConnectOptions {
  /** Fields, each with its line end. */
  readonly fields?: string
  /** What is sent in the same write behind the head. */
  readonly early?: string | Buffer
}

/** Asks the proxy for a tunnel. A refusal is read until the connection ends. */
export async function connectThrough(
  port: number,
  authority: string,
  { fields = '', early = '' }: ConnectOptions = {},
): Promise<ConnectAnswer> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${fields}\r\n`
  socket.write(Buffer.concat([Buffer.from(head), Buffer.from(early)]))
  let received = Buffer.alloc(0)
  while (!received.includes('\r\n\r\n')) received = Buffer.concat([received, await nextChunk(socket)])
  const end = received.indexOf('\r\n\r\n')
  const answer = parseHead(received.subarray(0, end).toString('latin1'))
  const rest = received.subarray(end + 4)
  if (answer.status === 200) {
    if (rest.length > 0) socket.unshift(rest)
    return { ...answer, body: '', socket }
  }
  const body = rest.toString() + (await readAll(socket))
  socket.destroy()
  return { ...answer, body, socket }
}

/** @throws when the connection ends first. */
async function nextChunk(socket: Socket): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read() as Buffer | null
    if (chunk !== null) return chunk
    if (socket.readableEnded || socket.destroyed) throw new Error('the connection ended without an answer')
    await Promise.race([once(socket, 'readable'), once(socket, 'end'), once(socket, 'close')])
  }
}

/** Reads until the other side says that nothing follows, and leaves the socket open. @throws when the connection breaks. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'end')
  return Buffer.concat(chunks).toString()
}

function parseHead(head: string): Pick<ConnectAnswer, 'status' | 'reason' | 'headers'> {
  const [first = '', ...lines] = head.split('\r\n')
  const match = /^HTTP\/1\.1 (\d{3}) (.*)$/.exec(first)
  if (!match) throw new Error(`not a status line: ${first}`)
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(match[1]), reason: match[2] ?? '', headers }
}
