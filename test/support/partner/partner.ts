import { once } from 'node:events'
import { createServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import type { KeyPair } from '../certificates.ts'

export interface PartnerOptions extends KeyPair {
  /** The one issuer this partner trusts, and where its keys are. */
  readonly issuer: string
  readonly jwksUri: string
  /** The audiences this partner answers to. */
  readonly audience: string | string[]
  readonly host?: string
  readonly port?: number
  /** Somebody connected, whatever becomes of it. */
  readonly onConnection?: () => void
}

/** What the partner makes of a request. */
export type Verdict =
  | { readonly verified: true; readonly claims: JWTPayload; readonly algorithm: string }
  | { readonly verified: false; readonly reason: string }

export interface Partner {
  readonly port: number
  close(): Promise<void>
}

/** Starts a partner as one meets them: TLS, and every request needs a bearer JWT that verifies against the issuer's JWKS. It answers with the claims, after `?wait=` milliseconds; with `?reset` it ends the connection in the middle. */
export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const { issuer, jwksUri, audience, cert, key, host = '127.0.0.1', port = 0 } = options
  const keys = createRemoteJWKSet(new URL(jwksUri))
  const verify = async (request: IncomingMessage): Promise<Verdict> => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) return { verified: false, reason: 'no bearer token' }
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ['RS256', 'ES384'],
      })
      return { verified: true, claims: payload, algorithm: protectedHeader.alg }
    } catch (error) {
      return { verified: false, reason: error instanceof errors.JOSEError ? error.code : 'unverifiable' }
    }
  }
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (request, response) => {
    const asked = new URL(request.url ?? '/', 'https://unused').searchParams
    const waitMs = Number(asked.get('wait') ?? 0)
    void Promise.all([verify(request), delay(waitMs)]).then(([verdict]) => {
      const body = JSON.stringify({ method: request.method, path: request.url, host: request.headers.host, ...verdict })
      response.writeHead(verdict.verified ? 200 : 401, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      if (asked.has('reset')) response.write(body.slice(0, 10), () => response.socket?.resetAndDestroy())
      else response.end(body)
    })
  })
  if (options.onConnection) server.on('connection', options.onConnection)
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
