import { once } from 'node:events'
import { createServer } from 'node:https'
import { setTimeout as delay } from 'node:timers/promises'
import type { AddressInfo } from 'node:net'
import type { KeyPair } from '../certificates.ts'
import { createVerifier } from './verify.ts'
import type { Trusted } from './verify.ts'

export interface PartnerOptions extends KeyPair, Trusted {
  readonly host?: string
  readonly port?: number
  /** Somebody connected, whatever becomes of it. */
  readonly onConnection?: () => void
}

export interface Partner {
  readonly port: number
  close(): Promise<void>
}

/** Starts a partner as one meets them: TLS, and every request needs a bearer JWT that verifies against the issuer's JWKS. It answers with the claims, after `?wait=` milliseconds; with `?cut` it ends the connection in the middle. */
export async function startPartner(options: PartnerOptions): Promise<Partner> {
  const { cert, key, host = '127.0.0.1', port = 0 } = options
  const verify = createVerifier(options)
  const server = createServer({ cert, key, minVersion: 'TLSv1.2' }, (request, response) => {
    const asked = new URL(request.url ?? '/', 'https://unused').searchParams
    const waitMs = Number(asked.get('wait') ?? 0)
    void Promise.all([verify(request), delay(waitMs)]).then(([verdict]) => {
      const body = JSON.stringify({ method: request.method, path: request.url, host: request.headers.host, ...verdict })
      response.writeHead(verdict.verified ? 200 : 401, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      })
      if (asked.has('cut')) response.write(body.slice(0, 10), () => response.socket?.destroy())
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
