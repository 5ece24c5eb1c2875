import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { KeyPair } from '../certificates.ts'

/** An upstream that keeps what it was sent, as bytes and as requests. */
export interface Recorder {
  readonly port: number
  /** Every byte received since the last `reset`. */
  bytes(): string
  /** Requests a strict parser saw in them, with their bodies. */
  readonly requests: RecordedRequest[]
  reset(): void
  close(): Promise<void>
}

export interface RecordedRequest {
  readonly line: string
  readonly body: string
  /** Values of its Authorization fields. */
  readonly authorization: readonly string[]
}

/** Starts a recorder; it answers every request with 200 and an empty body once the request is complete. */
export async function startRecorder(pair?: KeyPair): Promise<Recorder> {
  let received = ''
  const requests: RecordedRequest[] = []
  const listener: RequestListener = (request, response) => {
    void readBody(request).then(
      (body) => {
        const authorization = request.headersDistinct['authorization'] ?? []
        requests.push({ line: `${request.method ?? ''} ${request.url ?? ''}`, body, authorization })
        response.end()
      },
      // The proxy gave up within the body: no whole request.
      () => response.destroy(),
    )
  }
  const options = { maxHeaderSize: 128 * 1024 }
  const server: Server = pair ? createTlsServer({ ...pair, ...options }, listener) : createServer(options, listener)
  // SECURITY: a second listener sees the bytes before any parser has made sense of them.
  server.on(pair ? 'secureConnection' : 'connection', (socket: Socket) =>
    socket.on('data', (chunk) => (received += chunk.toString('latin1'))),
  )
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
