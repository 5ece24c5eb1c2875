import type { IncomingMessage, Server } from 'node:http'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'

/** An upstream that keeps what it was sent, as bytes and as requests. */
export interface Recorder {
  readonly port: number
  /** Every byte received since the last `reset`. */
  bytes(): string
  /** Requests a strict parser saw in them, with their bodies. */
  readonly requests: { readonly line: string; readonly body: string }[]
  reset(): void
  close(): Promise<void>
}

/** Starts a recorder; it answers every request with 200 and an empty body once the request is complete. */
export async function startRecorder(): Promise<Recorder> {
  let received = ''
  const requests: { line: string; body: string }[] = []
  const server: Server = createServer((request, response) => {
    void readBody(request).then((body) => {
      requests.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, body })
      response.end()
    })
  })
  // SECURITY: a second listener sees the bytes before any parser has made sense of them.
  server.on('connection', (socket: Socket) => socket.on('data', (chunk) => (received += chunk.toString('latin1'))))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    bytes: () => received,
    requests,
    reset: () => {
      received = ''
      requests.length = 0
    },
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += (chunk as Buffer).toString('latin1')
  return body
}
