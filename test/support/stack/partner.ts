import { createSecureServer } from 'node:http2'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { KeyPair } from '../certificates.ts'
import { createVerifier } from '../partner/verify.ts'
import { observe } from '../proxy/upstream.ts'

/** A partner that verifies every token it gets and can be told to misbehave. */
export interface FaultyPartner {
  readonly port: number
  /** Requests that carried a token which verified. */
  verified(): number
  /** Requests without one. SECURITY: tests expect none, ever. */
  unverified(): number
  /** Connections open now. */
  sockets(): number
  /** What it does to requests from now on; the default answers. */
  behave(behaviour: Behaviour): void
  close(): Promise<void>
}

/** Handles one verified request. */
export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void

export interface FaultyPartnerOptions extends KeyPair {
  readonly issuer: string
  readonly audience: string
  /** Default: the loopback. */
  readonly host?: string
  /** Whether it speaks HTTP/2 as well; `streamOf` then leads to the stream of a response. */
  readonly http2?: boolean
}

/** Echoes the body; `x-bytes` asks for that many bytes instead. */
export const ANSWER: Behaviour = (request, response) => {
  const wanted = Number(request.headers['x-bytes'] ?? 0)
  if (wanted > 0) {
    request.resume()
    response.end(Buffer.alloc(wanted, 'a'))
    return
  }
  if (response.destroyed) return
  // An aborted client ends the echo; there is nobody left to tell.
  pipeline(request, response, () => undefined)
}

/** @returns the stream of a response over HTTP/2; undefined when it is over HTTP/1.1. */
export function streamOf(response: ServerResponse): Http2ServerResponse['stream'] | undefined {
  return (response as ServerResponse & Partial<Pick<Http2ServerResponse, 'stream'>>).stream
}

/** Starts the partner on a free port. It agrees to every upgrade, and then says back what it hears. */
export async function startFaultyPartner({
  issuer,
  audience,
  host = '127.0.0.1',
  http2 = false,
  ...pair
}: FaultyPartnerOptions): Promise<FaultyPartner> {
  const check = createVerifier({ issuer, jwksUri: `${issuer}/.well-known/jwks.json`, audience })
  let behaviour = ANSWER
  let verified = 0
  let unverified = 0
  const verify = async (request: IncomingMessage): Promise<boolean> => {
    const { verified: holds } = await check(request)
    if (holds) verified++
    else unverified++
    return holds
  }
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    void verify(request).then((holds) => {
      if (holds) behaviour(request, response)
      else response.writeHead(401).end()
    })
  }
  const server = http2
    ? createSecureServer(
        { ...pair, allowHTTP1: true },
        answer as unknown as (request: Http2ServerRequest, response: Http2ServerResponse) => void,
      ).on('sessionError', () => undefined)
    : createServer({ ...pair, keepAliveTimeout: 60_000 }, answer)
  server.on('upgrade', (request: IncomingMessage, socket: Socket) => {
    void verify(request).then((holds) => {
      if (!holds) socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      if (holds) socket.pipe(socket)
    })
  })
  const { port, sockets, close } = await observe(server, { host, port: 0 })
  return {
    port,
    verified: () => verified,
    unverified: () => unverified,
    sockets: () => sockets.size,
    behave: (next) => {
      behaviour = next
    },
    close,
  }
}
