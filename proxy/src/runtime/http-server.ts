import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import type { KeyPair } from './key-pair.ts'

/** How long a client may take, in milliseconds. */
export interface ServerLimits {
  /** For a TLS handshake, and for the head of a request. */
  readonly headMs: number
  /** For a whole request. */
  readonly requestMs: number
  /** Between two requests. */
  readonly keepAliveMs: number
}

/** How late a limit may be noticed; Node's own default is half a minute. */
const CHECK_INTERVAL_MS = 1_000
const MIN_VERSION = 'TLSv1.2'

const options = ({ headMs, requestMs, keepAliveMs }: ServerLimits): object => ({
  headersTimeout: headMs,
  requestTimeout: requestMs,
  keepAliveTimeout: keepAliveMs,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
})

/** Creates a server for anything but the data path. The caller listens and closes. */
export function createHttpServer(limits: ServerLimits, listener: RequestListener): Server {
  return createServer(options(limits), listener)
}

/** The same over TLS, without a certificate: handshakes fail until one is installed. */
export function createHttpsServer(limits: ServerLimits, listener: RequestListener): HttpsServer {
  return createTlsServer({ ...options(limits), minVersion: MIN_VERSION, handshakeTimeout: limits.headMs }, listener)
}

/** Takes a certificate into use for connections to come. */
export function installCertificate(server: HttpsServer, { cert, key }: Pick<KeyPair, 'cert' | 'key'>): void {
  server.setSecureContext({ cert, key, minVersion: MIN_VERSION })
}
