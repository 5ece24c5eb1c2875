import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import type { LeafCertificate, PodAuthority } from '../../authority/authority.ts'
import { LeafRefusedError } from '../../authority/leaves.ts'
import { ProxyError } from '../../errors.ts'
import { errorCode, reset } from '../../runtime/index.ts'
import type { Locate } from '../../routing/locate.ts'
import type { InterceptedTunnel } from '../../routing/router.ts'
import { closeInStages, refuseSocket } from '../inbound/error-response.ts'
import type { Limits } from '../limits.ts'
import { HOLDS } from '../memory.ts'
import type { MemoryBudget } from '../memory.ts'
import { TLS_HANDSHAKE, createIsWholeHello, readClientHello } from './client-hello.ts'
import { peek } from './peek.ts'

export interface InterceptionObserver {
  /** @param reason the client's alert in lower case, or `closed`: it left without a request. */
  certificateRefused(tunnel: InterceptedTunnel, reason: string): void
  connectionRefused(error: ProxyError, requestId: string): void
}

interface InterceptionDeps {
  readonly authority: Pick<PodAuthority, 'certificate'>
  readonly limits: Pick<Limits, 'headMs' | 'inFlight'>
  readonly memory: MemoryBudget
  readonly observer: InterceptionObserver
  readonly requestId: () => string
  readonly now: () => number
  /** Serves what comes out of TLS. @param locate instead of the tunnel's own. */
  readonly serve: (client: TLSSocket, tunnel: InterceptedTunnel, locate?: Locate) => void
}

/** Ends TLS in place of the partner. */
export interface Interception {
  /** @returns whether another connection is admitted, which is then to be accepted. */
  admits(client: Socket): boolean
  /** @param client has been told that its tunnel is there. */
  accept(client: Socket, tunnel: InterceptedTunnel): void
  /**
   * The same for a client that nobody has announced, whose server name says where it wants to go.
   * @param tunnelOf undefined ends the handshake.
   */
  acceptNamed(client: Socket, tunnelOf: (serverName: string | undefined) => InterceptedTunnel | undefined): void
  /** Ends connections that have said nothing yet. */
  endSilent(): void
}

/** Clients that verify after the handshake leave at once; one that leaves later had another reason. */
const REFUSAL_MS = 1_000
/** What clients say of a certificate. RFC 8446 §6.2. */
const ALERT = /_ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/

/** A fatal alert 112 before there are keys. RFC 8446 §6.2, RFC 6066 §3. */
const UNRECOGNIZED_NAME = Buffer.from([0x15, 3, 3, 0, 2, 2, 112])

const locateNowhere: Locate = () => ({
  refused: 'authority_mismatch',
  message: 'The server name of TLS differs from the host of its CONNECT.',
  hint: 'Open one tunnel per host.',
})

/** Creates the server side of intercepted tunnels. */
export function createInterception(deps: InterceptionDeps): Interception {
  const { authority, limits, memory, now, observer, requestId } = deps
  /** A server lives as long as its certificate. */
  const servers = new WeakMap<LeafCertificate, Server>()
  const silent = new Set<Socket>()
  let handshakes = 0

  return {
    admits: (client) => {
      if (silent.size + handshakes >= limits.inFlight || !memory.requests.takes(HOLDS.intercepted)) return false
      client.once('close', () => memory.requests.gives(HOLDS.intercepted))
      return true
    },
    accept: (client, tunnel) =>
      hear(client, (first) => {
        if (first[0] === TLS_HANDSHAKE) void begin(client, tunnel)
        else
          refusePlain(
            client,
            tunnel.host,
            `Call https://${tunnel.host}/ as usual, or http://${tunnel.host}/ without a CONNECT.`,
          )
      }),
    acceptNamed: (client, tunnelOf) =>
      hear(
        client,
        (first) => {
          if (first[0] !== TLS_HANDSHAKE) {
            refusePlain(client, '', 'Call the https:// URL on this port, and the http:// URL without a port.')
            return
          }
          const hello = readClientHello(first)
          const tunnel = tunnelOf(hello.isWhole ? hello.serverName : undefined)
          if (tunnel) void begin(client, tunnel)
          else client.end(UNRECOGNIZED_NAME, () => closeInStages(client))
        },
        createIsWholeHello(),
      ),
    endSilent: () => silent.forEach((client) => client.destroy()),
  }

  /** @param heard gets what a client says first; one that says too little in time is refused. */
  function hear(client: Socket, heard: (first: Buffer) => void, isEnough?: (first: Buffer) => boolean): void {
    silent.add(client)
    // A client that has left is heard of only then.
    client.allowHalfOpen = false
    client.on('error', ignore).once('close', () => silent.delete(client))
    const done = (first: Buffer | undefined): void => {
      silent.delete(client)
      if (first === undefined) refuse(new ProxyError('request_timeout'), client)
      else heard(first)
    }
    peek(client, limits.headMs, done, isEnough)
  }

  async function begin(client: Socket, tunnel: InterceptedTunnel): Promise<void> {
    handshakes++
    try {
      const certificate = await authority.certificate(tunnel.host)
      if (client.destroyed) handshakes--
      // Not by `new TLSSocket`, whose handshake never ends for node:http2.
      else serverOf(certificate, tunnel).emit('connection', client)
    } catch (cause) {
      handshakes--
      const isFlood = cause instanceof LeafRefusedError && cause.reason === 'too_many_certificates'
      refuse(new ProxyError(isFlood ? 'overloaded' : 'internal_error', { cause }), client)
    }
  }

  function serverOf(certificate: LeafCertificate, tunnel: InterceptedTunnel): Server {
    const known = servers.get(certificate)
    if (known) return known
    const options = { ...certificate, minVersion: 'TLSv1.2', ALPNProtocols: ['h2', 'http/1.1'] } as const
    const server = createServer({ ...options, handshakeTimeout: limits.headMs })
      .on('secureConnection', (socket) => {
        handshakes--
        watch(socket, tunnel)
        const agrees = !socket.servername || nameOf(socket.servername) === tunnel.host
        deps.serve(socket, tunnel, agrees ? undefined : locateNowhere)
      })
      // Once for every connection whose handshake has no end.
      .on('tlsClientError', (error, socket) => {
        handshakes--
        socket.destroy()
        const reason = refusal(error)
        if (reason === undefined) observer.connectionRefused(handshakeFailure(error), requestId())
        else observer.certificateRefused(tunnel, reason)
      })
    servers.set(certificate, server)
    return server
  }

  /** Node as a client verifies after the handshake, and just closes. */
  function watch(socket: TLSSocket, tunnel: InterceptedTunnel): void {
    const securedMs = now()
    let failure: Error | undefined
    socket.on('error', (error) => {
      failure = error
    })
    socket.once('close', () => {
      const hasLeft = socket.readableEnded || failure !== undefined
      if (hasLeft && socket.bytesRead === 0 && now() - securedMs < REFUSAL_MS)
        observer.certificateRefused(tunnel, (failure && refusal(failure)) ?? 'closed')
    })
  }

  function refuse(error: ProxyError, client: Socket): void {
    observer.connectionRefused(error, requestId())
    reset(client)
  }

  function refusePlain(client: Socket, host: string, hint: string): void {
    const error = new ProxyError('malformed_request', {
      message: 'This connection is for TLS, and something else came out of it.',
      hint,
    })
    const id = requestId()
    observer.connectionRefused(error, id)
    refuseSocket(client, error, host, id)
  }
}

/** @returns why the client does not accept the certificate; undefined when it says something else. */
function refusal(error: Error): string | undefined {
  const code = errorCode(error) ?? ''
  return code === 'ECONNRESET' ? 'closed' : ALERT.exec(code)?.[1]?.toLowerCase()
}

function handshakeFailure(cause: Error): ProxyError {
  const isLate = errorCode(cause) === 'ERR_TLS_HANDSHAKE_TIMEOUT'
  return new ProxyError(isLate ? 'request_timeout' : 'malformed_request', { cause })
}

/** In the one spelling of a host. */
const nameOf = (serverName: string): string => serverName.toLowerCase().replace(/\.$/, '')

/** `close` follows. */
const ignore = (): void => undefined
