import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ProxyError } from '../../errors.ts'
import type { Router } from '../../routing/router.ts'
import type { BlindTunnel, PlainTunnel, Tunnel } from '../../routing/tunnel.ts'
import { upstreamFailure } from '../outbound/failure.ts'
import { readFields } from '../headers.ts'
import { ATTEMPT_MS } from '../limits.ts'
import type { Limits } from '../limits.ts'
import { refuseSocket } from '../inbound/error-response.ts'
import { isConnection } from './tunnel.ts'
import type { Tunnels } from './tunnel.ts'

export interface ConnectObserver {
  opened(tunnel: Tunnel): void
  refused(error: ProxyError, host: string, requestId: string): void
}

export interface ConnectorDeps {
  readonly router: Router
  readonly tunnels: Tunnels
  readonly limits: Limits
  readonly observer: ConnectObserver
  /** Resolves the host to addresses that may be connected to. */
  readonly lookup: (tunnel: BlindTunnel) => LookupFunction
  readonly requestId: () => string
}

/** Serves what comes out of a connection as requests to one origin. */
export type ServePlain = (client: Socket, tunnel: PlainTunnel) => void

export interface Connector {
  /**
   * Answers a CONNECT, always with an HTTP status: clients that get none try again without end.
   * @param head what the client sent behind it.
   */
  accept(request: IncomingMessage, client: Duplex, head: Buffer, servePlain: ServePlain): void
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n'

/** Creates the answer to CONNECT: a blind tunnel, a tunnel that is served like any connection, or a refusal. */
export function createConnector(deps: ConnectorDeps): Connector {
  const { limits, lookup, observer, router, tunnels } = deps
  return {
    accept: (request, client, head, servePlain) => {
      const decision = router.tunnel(request.url ?? '')
      const { host } = decision
      try {
        // Node's parser lets 0.9 and 2.0 through.
        if (request.httpVersionMajor !== 1) throw new ProxyError('malformed_request')
        if (request.rawHeaders.length > limits.headFields * 2) throw new ProxyError('headers_too_large')
        if ('refused' in decision) throw new ProxyError(decision.refused, decision)
        // SECURITY: a CONNECT has no content; what could be read as such must not be read as the first bytes of the tunnel.
        if (readFields(request.rawHeaders).framing !== 'none' || !isConnection(client))
          throw new ProxyError('ambiguous_framing')
        if (head.length > 0) client.unshift(head)
        if (decision.mode === 'blind') dial(decision, client)
        else {
          client.write(ESTABLISHED, 'latin1')
          observer.opened(decision)
          servePlain(client, decision)
        }
      } catch (error) {
        refuse(client, error, host)
      }
    },
  }

  /** The client hears 200 only once there is a connection, so that a failure still has an HTTP status. */
  function dial(tunnel: BlindTunnel, client: Socket): void {
    const { host, port } = tunnel
    const upstream = connect({
      host,
      port,
      lookup: lookup(tunnel),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
      allowHalfOpen: true,
      noDelay: true,
      timeout: limits.connectMs,
    })
    // One set of listeners from here to the end: to take some off and others on costs a short tunnel more than they do.
    let isOpen = false
    const abandon = (): void => {
      if (!isOpen) upstream.destroy()
    }
    const fail = (error: unknown): void => {
      if (isOpen) return
      upstream.destroy()
      refuse(client, upstreamFailure(error, 'connecting'), host)
    }
    client.on('error', ignore).on('close', abandon)
    upstream
      .on('error', fail)
      .on('timeout', () => fail(new ConnectTimeout()))
      .on('connect', () => {
        isOpen = true
        client.write(ESTABLISHED, 'latin1')
        observer.opened(tunnel)
        tunnels.join({ mode: 'blind', client, upstream, host })
      })
  }

  function refuse(client: Duplex, cause: unknown, host: string): void {
    const error = cause instanceof ProxyError ? cause : new ProxyError('internal_error', { cause })
    const requestId = deps.requestId()
    observer.refused(error, host, requestId)
    refuseSocket(client, error, host, requestId)
  }
}

/** `close` follows. */
const ignore = (): void => undefined

class ConnectTimeout extends Error {
  readonly code = 'ETIMEDOUT'
}
