import { createServer } from 'node:http'
import type { RequestListener, Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server as HttpsServer } from 'node:https'
import { boundConnections } from './connections.ts'
import type { ConnectionLimits } from './connections.ts'
import type { KeyPair } from './key-pair.ts'
import { createTurns } from './turns.ts'

/** How much of everything clients get; times in milliseconds. */
export interface ServerLimits {
  readonly connections: ConnectionLimits
  /** Of the head of a request. */
  readonly headBytes: number
  /** For a TLS handshake, and for the head of a request. */
  readonly headMs: number
  /** For a whole request. */
  readonly requestMs: number
  /** Between two requests. */
  readonly keepAliveMs: number
}

/** Neither probes nor scrapers nor API servers send a request before they have the answer to the one before. */
const MOST_WAITING = 2
/** How late a limit may be noticed; Node's own default is half a minute. */
const CHECK_INTERVAL_MS = 1_000
const MIN_VERSION = 'TLSv1.2'

const options = ({ headBytes, headMs, requestMs, keepAliveMs }: ServerLimits): object => ({
  maxHeaderSize: headBytes,
  headersTimeout: headMs,
  requestTimeout: requestMs,
  keepAliveTimeout: keepAliveMs,
  connectionsCheckingInterval: CHECK_INTERVAL_MS,
})

/** Creates a server for anything but the data path. The caller listens and closes. */
export function createHttpServer(limits: ServerLimits, listener: RequestListener): Server {
  return bounded(createServer(options(limits), inTurn(listener)), limits)
}

/** The same over TLS, without a certificate: handshakes fail until one is installed. */
export function createHttpsServer(
  limits: ServerLimits,
  listener: RequestListener,
  { isClientKnown = false }: { readonly isClientKnown?: boolean } = {},
): HttpsServer {
  const tls = { minVersion: MIN_VERSION, handshakeTimeout: limits.headMs, requestCert: isClientKnown } as const
  return bounded(
    createTlsServer({ ...options(limits), ...tls, rejectUnauthorized: isClientKnown }, inTurn(listener)),
    limits,
  )
}

function inTurn(listener: RequestListener): RequestListener {
  const turns = createTurns({ most: MOST_WAITING })
  return (request, response) => turns(request, response, () => listener(request, response))
}

function bounded<S extends Server>(server: S, { connections }: ServerLimits): S {
  boundConnections(server, connections)
  return server
}

/**
 * Takes a certificate into use for connections to come.
 * @param clientCa the only trust anchors, as PEM, of clients that must have a certificate.
 */
export function installCertificate(
  server: HttpsServer,
  { cert, key }: Pick<KeyPair, 'cert' | 'key'>,
  clientCa?: string,
): void {
  server.setSecureContext({ cert, key, minVersion: MIN_VERSION, ...(clientCa !== undefined && { ca: clientCa }) })
}
