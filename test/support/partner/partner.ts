import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Server as TlsServer } from 'node:tls'
import type { KeyPair } from '../certificates.ts'
import { createVerifier } from './verify.ts'
import type { Trusted } from './verify.ts'

export interface PartnerOptions extends KeyPair, Trusted {
  readonly host?: string
  readonly port?: number
  /** Offers HTTP/2, and answers calls of gRPC with an empty message. */
  readonly speaksHttp2?: boolean
  /** Somebody connected, whatever becomes of it. */
  readonly onConnection?: () => void
}

export interface Partner {
  readonly port: number
  close(): Promise<void>
}

type Http2Handler = (request: Http2ServerRequest, response: Http2ServerResponse) => void

/** Starts a partner as one meets them: TLS, and every request needs a bearer JWT that verifies against the issuer's JWKS. It answers with the claims, after `?wait=` milliseconds; with `?cut` it ends the connection in the middle. */
export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const { cert, key, host = '127.0.0.1', port = 0 } = options
  const verify = createVerifier(options)
  const connections = new Set<Socket>()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const asked = new URL(request.url ?? '/', 'https://unused').searchParams
    const waitMs = Number(asked.get('wait') ?? 0)
    void Promise.all([verify(request), delay(waitMs)]).then(([verdict]) => {
      if (isGrpc(request)) {
        answerGrpc(response, verdict.verified)
        return
      }
      const body = JSON.stringify({ method: request.method, path: request.url, host: request.headers.host, ...verdict })
      response.writeHead(verdict.verified ? 200 : 401, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      if (asked.has('cut')) response.write(body.slice(0, 10), () => response.socket?.destroy())
      else response.end(body)
    })
  }
  const tls = { cert, key, minVersion: 'TLSv1.2' } as const
  const server: TlsServer = options.speaksHttp2
    ? // Its requests and responses are those of HTTP/1.1 as far as they are used here.
      createSecureServer({ ...tls, allowHTTP1: true }, answer as unknown as Http2Handler)
    : createServer(tls, answer)
  server.on('connection', (socket: Socket) => {
    options.onConnection?.()
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of connections) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const isGrpc = ({ headers }: IncomingMessage): boolean => headers['content-type'] === 'application/grpc'

/** An empty message and the status, or the status alone. Source: gRPC over HTTP2. */
function answerGrpc(response: ServerResponse, verified: boolean): void {
  const type = { 'content-type': 'application/grpc' }
  if (!verified) {
    response.writeHead(200, { ...type, 'grpc-status': '16' }).end()
    return
  }
  response.writeHead(200, type)
  response.write(Buffer.alloc(5))
  response.addTrailers({ 'grpc-status': '0' })
  response.end()
}
