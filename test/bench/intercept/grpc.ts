import { once } from 'node:events'
import { connect } from 'node:http2'
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2'
import type { Load } from './load.ts'
import { repeat, times } from './load.ts'
import type { Target } from './targets.ts'

const STREAMS = 50
/** Of messages, each way at once. */
const LARGE_STREAMS = 4
const SMALL = message(1024)
const LARGE = message(1 << 20)

/** 50 calls at all times, on one connection; a message of 1 KiB each way. */
export async function unaryCalls(target: Target): Promise<Load> {
  const session = await openSession(target)
  const work = async (): Promise<void> => {
    const call = startCall(session, 'Unary')
    call.stream.end(SMALL)
    await call.ended
    if (call.received() !== SMALL.length) throw new Error(`a message came back with ${call.received()} bytes`)
  }
  return {
    run: (seconds) =>
      repeat(
        times(STREAMS, () => work),
        seconds,
      ),
    close: () => session.destroy(),
  }
}

/** Messages of 1 MiB, each said back before the next is sent, in 4 calls on one connection. */
export async function streamedMessages(target: Target): Promise<Load> {
  const session = await openSession(target)
  const calls = times(LARGE_STREAMS, () => startCall(session, 'Bidi'))
  const work = (call: Call): (() => Promise<void>) => {
    let wanted = 0
    return async () => {
      wanted += LARGE.length
      call.stream.write(LARGE)
      while (call.received() < wanted) await Promise.race([once(call.stream, 'data'), call.ended])
    }
  }
  return {
    run: async (seconds) => {
      const messages = await repeat(calls.map(work), seconds)
      for (const { stream } of calls) stream.end()
      await Promise.all(calls.map(({ ended }) => ended))
      return messages
    },
    close: () => session.destroy(),
  }
}

interface Call {
  readonly stream: ClientHttp2Stream
  /** Bytes of the answer so far. */
  received(): number
  /** Resolves when the call has ended well. */
  readonly ended: Promise<void>
}

async function openSession(target: Target): Promise<ClientHttp2Session> {
  const socket = await target.open(['h2'])
  const session = connect(`https://${target.authority}`, { createConnection: () => socket })
  await once(session, 'remoteSettings')
  return session
}

function startCall(session: ClientHttp2Session, method: string): Call {
  const stream = session.request({
    ':method': 'POST',
    ':path': `/bench.Echo/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  let received = 0
  let status: string | undefined
  const read = (headers: IncomingHttpHeaders): void => {
    status = String(headers['grpc-status'] ?? status)
  }
  stream.on('data', (chunk: Buffer) => (received += chunk.length))
  const ended = new Promise<void>((resolve, reject) => {
    stream.on('response', read).on('trailers', read).on('error', reject)
    stream.on('close', () => (status === '0' ? resolve() : reject(new Error(`grpc-status ${status}`))))
  })
  return { stream, received: () => received, ended }
}

/** A message with its prefix: not compressed, and its length. */
function message(bytes: number): Buffer {
  const framed = Buffer.alloc(5 + bytes, 'x')
  framed.writeUInt8(0, 0)
  framed.writeUInt32BE(bytes, 1)
  return framed
}
