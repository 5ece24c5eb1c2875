import { createServer } from 'node:http'
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { Server as TlsServer, createServer as createTlsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { ProxyError } from '../../errors.ts'
import { locateByHost, locateInside } from '../../routing/locate.ts'
import type { Locate } from '../../routing/locate.ts'
import type { ServedTunnel } from '../../routing/router.ts'
import { DEFAULT_PORT } from '../../routing/target.ts'
import { createTurns, reset } from '../../runtime/index.ts'
import type { KeyPair } from '../../runtime/index.ts'
import type { PodAuthority } from '../../authority/authority.ts'
import { acceptConnect } from '../tunnel/connect.ts'
import type { ConnectDeps, ConnectObserver } from '../tunnel/connect.ts'
import type { MemoryBudget } from '../memory.ts'
import { TLS_HANDSHAKE } from '../tunnel/client-hello.ts'
import { createInterception } from '../tunnel/interception.ts'
import type { InterceptionObserver } from '../tunnel/interception.ts'
import type { ExchangeDeps } from './exchange.ts'
import { answerHalfClosed } from './half-close.ts'
import { Http1Exchange } from './http1-exchange.ts'
import type { Interim } from './http1-exchange.ts'
import { Http2Exchange } from './http2-exchange.ts'
import { createHttp2Server } from './http2-server.ts'
import { createIdleSweep, endsConnection, responseUnderWay } from './idle.ts'
import { closeInStages, errorResponse, refuseSocket } from './error-response.ts'
import { parserFailure } from './parser-failure.ts'
import type { ParserError } from './parser-failure.ts'
import { createSteering } from './steering.ts'
import type { Steer, SteeringObserver } from './steering.ts'
import { isConnection } from '../tunnel/tunnel.ts'
import { acceptUpgrade, wantedProtocol } from '../tunnel/upgrade.ts'
import type { UpgradeDeps } from '../tunnel/upgrade.ts'

/** Connections whose clients do not speak to a proxy, and how requests on them say where they want to go. */
export type InsideConnections = WeakMap<Socket, { readonly tunnel?: ServedTunnel; readonly locate: Locate }>

interface ProxyServerDeps extends ConnectDeps, UpgradeDeps {
  readonly exchanges: ExchangeDeps
  readonly observer: ConnectObserver & ServerObserver & SteeringObserver & InterceptionObserver
  /** Stands in for partners whose route intercepts. */
  readonly authority: Pick<PodAuthority, 'certificate'>
  readonly now: () => number
  readonly memory: MemoryBudget
  /** Filled here; an entry ends with its connection. */
  readonly inside: InsideConnections
  /** Absent: the port speaks plain HTTP. */
  readonly certificate: KeyPair | undefined
  /** Longest silence that is still somebody's right: the slowest partner's time until its response head. */
  readonly longestTimeoutMs: number
  /** How long tunnels may last once the drain has begun: nothing tells when they are done. */
  readonly tunnelDrainMs: number
}

/** What happens to connections outside of requests. */
export interface ServerObserver {
  /** A request that never became one: malformed, too large, too slow. */
  connectionRefused(error: ProxyError, requestId: string): void
  /** Somebody speaks TLS where the CONNECT promised plain HTTP. */
  tlsInPlain(tunnel: ServedTunnel): void
  tunnelsCut(count: number): void
}

export interface ProxyServer {
  readonly http: HttpServer
  /** Creates the server of a port that partners' names lead to. The caller listens; the drain closes it. */
  readonly steer: Steer
  /** Takes another certificate into use for connections to come. */
  installCertificate(pair: KeyPair): void
  /** From now on every response ends its connection. */
  startDraining(): void
  /** Stops listening and resolves when the last connection has ended. */
  drain(): Promise<void>
  /** Ends tunnels and connections of HTTP/2, whatever they are doing. @returns how many there were. */
  cutTunnels(): number
}

/** How often Node looks for heads that are late. */
const CHECK_INTERVAL_MS = 1_000

const TUNNEL_IN_TUNNEL = 'Send the CONNECT to the proxy itself, not into a tunnel or to a partner.'

/** Creates the data port. The caller listens. */
export function createProxyServer(deps: ProxyServerDeps): ProxyServer {
  const { handler, inside, limits, certificate, observer } = deps
  const interception = createInterception({ ...deps, serve: serveInside })
  const connectDeps = { ...deps, serveInside, interception }
  const locateSteered = locateByHost((host) => {
    const decision = deps.router.tunnel(`${host}:${DEFAULT_PORT.http}`)
    return 'mode' in decision && decision.mode === 'plain'
  })
  const createSteered = createSteering({
    ...deps,
    interception,
    servePlain: (client) => {
      inside.set(client, { locate: locateSteered })
      http2.detect(client, serveHttp1)
    },
  })
  const takeTurns = createTurns({
    most: limits.waitingRequests,
    onFlood: () => observer.connectionRefused(new ProxyError('overloaded'), deps.requestId()),
  })
  const servers: NetServer[] = []
  let isDraining = false
  /** Connections whose last response is written. */
  const condemned = new WeakSet<Duplex>()
  const options = {
    // SECURITY: a lenient parser is how requests get smuggled.
    insecureHTTPParser: false,
    // The target decides, never the Host field, and some clients send none.
    requireHostHeader: false,
    maxHeaderSize: limits.headBytes,
    headersTimeout: limits.headMs,
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.headMs),
    noDelay: true,
    shouldUpgradeCallback: (request: IncomingMessage) => wantedProtocol(request) !== undefined,
  }
  const http = certificate
    ? createTlsServer({ ...options, ...secure(certificate), handshakeTimeout: limits.headMs })
    : createServer(options)
  // Counted by us instead: Node silently drops the fields beyond its limit.
  http.maxHeadersCount = 0
  http.maxConnections = limits.clientSockets
  http.timeout = Math.max(limits.bodyIdleMs, deps.longestTimeoutMs) + limits.silenceMarginMs
  const http2 = createHttp2Server({
    limits,
    memory: deps.memory,
    silenceMs: http.timeout,
    answer: (incoming) => handler(new Http2Exchange(incoming, deps.exchanges)),
    refused: (error) => observer.connectionRefused(error, deps.requestId()),
    refuse,
  })

  // Node would close it.
  http.on('timeout', cutOff)
  answerHalfClosed(http)
  const sweepIdle = createIdleSweep(http)
  http.on('request', (request, response) => serve(request, response))
  http.on('checkContinue', (request, response) => serve(request, response, 'continue'))
  http.on('checkExpectation', (request, response) =>
    inTurn(request, response, () => {
      const error = new ProxyError('expectation_failed')
      const requestId = deps.requestId()
      observer.connectionRefused(error, requestId)
      const { status, headers, body } = errorResponse(error, '', requestId)
      // Whether the body comes all the same is not certain. RFC 9110 §10.1.1.
      response.shouldKeepAlive = false
      response.writeHead(status, headers).end(body)
    }),
  )
  http.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (condemned.has(socket)) closeInStages(socket)
    // SECURITY: nothing may be written into a response that is under way.
    else if (responseUnderWay(socket)) reset(socket)
    else if (isInTunnel(socket)) refuse(socket, new ProxyError('bad_request_target', { hint: TUNNEL_IN_TUNNEL }))
    else acceptConnect(request, socket, head, connectDeps)
  })
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (condemned.has(socket)) closeInStages(socket)
    else if (responseUnderWay(socket)) reset(socket)
    // Node before 24.9 asks nobody which upgrades are wanted.
    else if (wantedProtocol(request) === undefined || !isConnection(socket))
      refuse(socket, new ProxyError('upgrade_unsupported'))
    else acceptUpgrade(request, socket, head, deps)
  })
  // There is no one to answer yet: the connection is gone before it could say anything.
  http.on('drop', () => observer.connectionRefused(new ProxyError('overloaded'), deps.requestId()))
  http.on('clientError', (error: ParserError, socket: Socket) => {
    const tunnel = inside.get(socket)?.tunnel
    if (tunnel?.scheme === 'http' && error.rawPacket?.[0] === TLS_HANDSHAKE) {
      observer.tlsInPlain(tunnel)
      socket.destroy()
    } else if (isTlsFailure(error)) {
      // Of an intercepted connection, interception itself tells.
      if (!tunnel) observer.connectionRefused(new ProxyError('malformed_request', { cause: error }), deps.requestId())
      socket.destroy()
    } else if (isGone(error, socket)) cutOff(socket)
    else refuse(socket, parserFailure(error))
  })

  return {
    http,
    steer: (port) => {
      const server = createSteered(port)
      servers.push(server)
      return server
    },
    installCertificate: (pair) => {
      if (http instanceof TlsServer) http.setSecureContext(secure(pair))
    },
    startDraining: () => {
      isDraining = true
    },
    drain: async () => {
      isDraining = true
      const open = [http, ...servers].filter(({ listening }) => listening)
      const closed = Promise.all(open.map((server) => new Promise<void>((resolve) => server.once('close', resolve))))
      // Node's own `close` ends idle connections at once, under the hands of a client that is just writing to one.
      for (const server of open) NetServer.prototype.close.call(server)
      http2.drain()
      const sweeping = setInterval(() => {
        sweepIdle()
        interception.endSilent()
        http2.endSilent()
      }, limits.lingerMs / 2)
      const cut = setTimeout(() => observer.tunnelsCut(cutTunnels()), deps.tunnelDrainMs)
      await closed
      clearInterval(sweeping)
      clearTimeout(cut)
    },
    cutTunnels,
  }

  function cutTunnels(): number {
    return deps.tunnels.destroy() + http2.destroy()
  }

  function serve(request: IncomingMessage, response: ServerResponse, interim?: Interim): void {
    inTurn(request, response, () => handler(new Http1Exchange(request, response, deps.exchanges, interim)))
  }

  /**
   * SECURITY: behind a response that ends its connection comes no turn. What the client sends there may be the body of a refused
   * request, and the client will send again whatever was not answered. RFC 9112 §9.6.
   */
  function inTurn(request: IncomingMessage, response: ServerResponse, answer: () => void): void {
    takeTurns(request, response, () => {
      const { socket } = request
      if (condemned.has(socket)) {
        request.resume()
        return
      }
      if (isDraining) response.shouldKeepAlive = false
      // The last moment before the parser may go on to the next request.
      response.once('prefinish', () => {
        if (endsConnection(response)) condemned.add(socket)
      })
      answer()
    })
  }

  function serveInside(client: Socket, tunnel: ServedTunnel, locate = locateInside(tunnel)): void {
    inside.set(client, { tunnel, locate })
    if (tunnel.scheme === 'http') http2.detect(client, serveHttp1)
    else if (client instanceof TLSSocket && client.alpnProtocol === 'h2') http2.serve(client)
    else serveHttp1(client)
  }

  function serveHttp1(client: Socket): void {
    // For a server that speaks TLS a connection begins with the end of its handshake, and this one has had its own.
    http.emit(certificate ? 'secureConnection' : 'connection', client)
    client.resume()
  }

  function isInTunnel(socket: Duplex): boolean {
    return isConnection(socket) && inside.has(socket)
  }

  function refuse(socket: Duplex, error: ProxyError): void {
    const requestId = deps.requestId()
    observer.connectionRefused(error, requestId)
    refuseSocket(socket, error, '', requestId)
  }
}

function secure({ cert, key }: KeyPair): { cert: string; key: string; minVersion: 'TLSv1.2' } {
  return { cert, key, minVersion: 'TLSv1.2' }
}

/** A response under way is lost anyhow; one that is whole is left to its client to read. */
function cutOff(socket: Socket): void {
  if (responseUnderWay(socket) && socket.writable) reset(socket)
  else socket.destroy()
}

/** Client and proxy have no connection on which anything could be answered. */
function isTlsFailure({ code = '' }: NodeJS.ErrnoException): boolean {
  return /^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)
}

/**
 * Whether there is nobody to tell, or no place for it. SECURITY: nothing may be written into a response that is under way,
 * nor in front of one whose request was whole: the client would take it for the answer to that request.
 */
function isGone(error: NodeJS.ErrnoException, socket: Socket): boolean {
  const underWay = responseUnderWay(socket)
  if (error.code === 'ECONNRESET' || !socket.writable) return true
  return Boolean(underWay && (underWay.headersSent || underWay.req.complete))
}
