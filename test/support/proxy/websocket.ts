import { on, once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'

export interface ChatOptions {
  readonly protocols?: readonly string[]
  /** Default: a new one to the proxy. */
  readonly connection?: Socket
  readonly headers?: Readonly<Record<string, string>>
}

/** Opens a WebSocket as clients do that know a proxy: with the whole URL in the request, or inside of a tunnel. */
export function openChat(
  port: number,
  url: string,
  { protocols = [], connection, headers }: ChatOptions = {},
): WebSocket {
  return new WebSocket(url.replace(/^http/, 'ws'), [...protocols], {
    ...(headers && { headers }),
    createConnection: () => connection ?? connect(port, '127.0.0.1'),
    finishRequest: (request) => {
      if (!connection) request.path = url
      request.end()
    },
  })
}

/** An open WebSocket that loses no message. */
export interface Chat {
  readonly client: WebSocket
  next(): Promise<Buffer>
}

/** @throws when the WebSocket is refused. */
export async function chat(port: number, url: string, options?: ChatOptions): Promise<Chat> {
  const client = openChat(port, url, options)
  const messages = on(client, 'message') as AsyncIterator<[Buffer]>
  await once(client, 'open')
  return {
    client,
    next: async () => {
      const { value } = (await messages.next()) as { value: [Buffer] }
      return value[0]
    },
  }
}

export interface Refused {
  readonly status: number
  readonly body: string
}

/** @returns the whole answer to a WebSocket that is not to be. */
export async function refusedChat(port: number, url: string, options?: ChatOptions): Promise<Refused> {
  const client = openChat(port, url, options)
  const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  client.on('error', () => undefined).terminate()
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
}
