import { once } from 'node:events'
import { connect } from 'node:http2'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  ClientSessionRequestOptions,
  OutgoingHttpHeaders,
} from 'node:http2'
import type { Socket } from 'node:net'
import { secureThrough } from './interception.ts'
import { connectThrough } from './tunnel.ts'

/** What came back on one stream. */
export interface Http2Answer {
  readonly interim: number[]
  status: number
  headers: Readonly<Record<string, string>>
  body: string
  trailers: Readonly<Record<string, string>>
  /** Nothing followed the head, not even trailers. */
  isHeadOnly: boolean
  /** RFC 9113 §7. */
  rstCode: number
}

/** A connection of a client that speaks HTTP/2 through an intercepted CONNECT. */
export async function secureHttp2(proxyPort: number, authority: string, ca: string): Promise<ClientHttp2Session> {
  const socket = await secureThrough(proxyPort, authority, { ca, ALPNProtocols: ['h2', 'http/1.1'] })
  if (socket.alpnProtocol !== 'h2') throw new Error(`ALPN: ${String(socket.alpnProtocol)}`)
  return ready(connect(`https://${authority}`, { createConnection: () => socket }))
}

/** A connection of a client that takes HTTP/2 for granted, as gRPC does without TLS. */
export async function plainHttp2(proxyPort: number, host: string): Promise<ClientHttp2Session> {
  const { status, socket } = await connectThrough(proxyPort, `${host}:80`)
  if (status !== 200) throw new Error(`CONNECT: ${status}`)
  return beginHttp2(host, socket)
}

/** Begins with HTTP/2 on a connection without TLS. */
export function beginHttp2(host: string, socket: Socket): Promise<ClientHttp2Session> {
  socket.allowHalfOpen = false
  return ready(connect(`http://${host}`, { createConnection: () => socket }))
}

async function ready(session: ClientHttp2Session): Promise<ClientHttp2Session> {
  session.on('error', () => undefined)
  await once(session, 'remoteSettings')
  return session
}

/** Opens a stream and keeps what comes back on it. Its `close` is the end of the answer. */
export function open(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders | readonly string[],
  options: ClientSessionRequestOptions = { endStream: true },
): { readonly stream: ClientHttp2Stream; readonly answer: Http2Answer; readonly done: Promise<Http2Answer> } {
  const answer: Http2Answer = {
    interim: [],
    status: 0,
    headers: {},
    body: '',
    trailers: {},
    isHeadOnly: false,
    rstCode: 0,
  }
  const stream = session.request(headers, options)
  const { promise, resolve } = Promise.withResolvers<Http2Answer>()
  stream
    .on('headers', (fields) => answer.interim.push(Number(fields[':status'])))
    .on('response', (fields, flags) => {
      answer.status = Number(fields[':status'])
      answer.headers = fields as Record<string, string>
      answer.isHeadOnly = (flags & 1) !== 0
    })
    .on('trailers', (fields) => (answer.trailers = fields as Record<string, string>))
    .on('data', (chunk: Buffer) => (answer.body += chunk.toString()))
    .on('error', () => undefined)
    .on('close', () => {
      answer.rstCode = stream.rstCode
      resolve(answer)
    })
  return { stream, answer, done: promise }
}

export const ask = (
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders | readonly string[],
): Promise<Http2Answer> => open(session, headers).done
