import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  RequestOptions,
} from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly trailers: NodeJS.Dict<string>
  readonly body: string
}

export interface CallOptions extends Pick<RequestOptions, 'method' | 'agent'> {
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Buffer
}

/** Opens a request through the proxy, in absolute form; the caller ends it. */
export function open(port: number, url: string, options: CallOptions = {}): ClientRequest {
  const { method = 'GET', headers = {}, agent = false } = options
  return request({
    host: '127.0.0.1',
    port,
    path: url,
    method,
    headers: { Host: 'ignored.example', ...headers },
    agent,
  })
}

/** Sends a request through the proxy and reads the whole response. */
export async function call(port: number, url: string, options: CallOptions = {}): Promise<Answer> {
  const outgoing = open(port, url, options)
  outgoing.end(options.body)
  return read(await response(outgoing))
}

export async function response(outgoing: ClientRequest): Promise<IncomingMessage> {
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  return incoming
}

/** @throws when the connection ends before the response does. */
export async function read(incoming: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const { statusCode = 0, headers, rawHeaders, trailers } = incoming
  return { status: statusCode, headers, rawHeaders, trailers, body: Buffer.concat(chunks).toString() }
}

/** @returns the error the proxy says it made. */
export function errorOf(answer: Pick<Answer, 'body'>): {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly host: string
  readonly requestId: string
} {
  return (JSON.parse(answer.body) as { error: ReturnType<typeof errorOf> }).error
}

export function keepAlive(connections = 1): Agent {
  return new Agent({ keepAlive: true, maxSockets: connections })
}

/** Sends bytes as they are and reads until the other side ends the connection. */
export async function exchangeBytes(port: number, bytes: string | Buffer): Promise<string> {
  const socket = await openSocket(port)
  socket.write(bytes)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  // A reset is an end as well.
  await new Promise((resolve) => socket.on('error', () => socket.destroy()).once('close', resolve))
  return text
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
