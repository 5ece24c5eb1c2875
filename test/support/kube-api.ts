import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { KubeConfig } from '@kubernetes/client-node'
import { createTestAuthority } from './certificates.ts'

/** A request as the API server saw it. */
export interface SeenRequest {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export type Answer = (request: SeenRequest, response: ServerResponse) => void

/** An HTTPS server in the place of an API server. It answers as the test says, and knows nothing of Kubernetes. */
export interface FakeKubeApi {
  readonly config: KubeConfig
  readonly requests: SeenRequest[]
  answer: Answer
  /** Destroys every connection. */
  disconnect(): void
  /** Stops listening and destroys every connection. */
  stop(): Promise<void>
  /** Listens again on the same port. */
  start(): Promise<void>
}

export async function startFakeKubeApi(answer: Answer): Promise<FakeKubeApi> {
  const authority = await createTestAuthority()
  const { cert, key } = await authority.issue(['127.0.0.1'])
  const requests: SeenRequest[] = []
  const api: { answer: Answer } = { answer }
  const server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const seen: SeenRequest = {
        method: request.method ?? '',
        url: new URL(request.url ?? '/', 'https://api.example'),
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      }
      requests.push(seen)
      api.answer(seen, response)
    })
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const config = new KubeConfig()
  config.loadFromClusterAndUser(
    {
      name: 'test',
      server: `https://127.0.0.1:${port}`,
      caData: Buffer.from(authority.ca).toString('base64'),
      skipTLSVerify: false,
    },
    { name: 'test', token: 'a-token' },
  )
  return Object.assign(api, {
    config,
    requests,
    disconnect: () => server.closeAllConnections(),
    stop: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
    start: () => listen(port),
  })
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Answers with a Status, as an API server does when it refuses. */
export function sendStatus(response: ServerResponse, code: number, message: string, reason?: string): void {
  sendJson(response, code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code })
}

/** Begins or continues the answer to a watch. */
export function sendEvent(response: ServerResponse, type: string, object: object): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' })
  response.write(`${JSON.stringify({ type, object })}\n`)
}
