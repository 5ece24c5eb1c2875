import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { ProxyError } from '../../errors.ts'
import type { BlindTunnel, Router, ServedTunnel, Tunnel } from '../../routing/router.ts'
import { SEVERAL_HOSTS, readFields } from '../headers.ts'
import { refuseSocket } from '../inbound/error-response.ts'
import type { Limits } from '../limits.ts'
import { HOLDS } from '../memory.ts'
import type { MemoryBudget } from '../memory.ts'
import { upstreamFailure } from '../outbound/failure.ts'
import type { Upstreams } from '../outbound/upstreams.ts'
import { isConnection } from './tunnel.ts'
import type { Tunnels } from './tunnel.ts'
import type { Interception } from './interception.ts'

/** What became of a CONNECT that was not refused, as the metric says it. */
export type ConnectResult = 'blind' | 'unauthenticated' | 'plain' | 'intercepted'

interface ConnectTarget {
  readonly host: string
  readonly route?: string | undefined
}

export interface ConnectObserver {
  /** @param about the host, and its route, when it has one. */
  accepted(result: ConnectResult, about: ConnectTarget): void
  /** @param about the host, empty when the target does not parse, and its route, when that is the reason. */
  refused(error: ProxyError, about: ConnectTarget, requestId: string): void
}

/** Serves what comes out of a connection as requests to one origin. */
export type ServeInside = (client: Socket, tunnel: ServedTunnel) => void

export interface ConnectDeps {
  readonly router: Router
  readonly upstreams: Upstreams
  readonly tunnels: Tunnels
  readonly limits: Limits
  readonly memory: Pick<MemoryBudget, 'requests'>
  readonly observer: ConnectObserver
  readonly requestId: () => string
}

interface ModeDeps extends ConnectDeps {
  readonly serveInside: ServeInside
  readonly interception: Interception
}

type Mode = Tunnel['mode']
type TunnelOf<M extends Mode> = Extract<Tunnel, { readonly mode: M }>
type Handler<M extends Mode> = (tunnel: TunnelOf<M>, client: Socket, deps: ModeDeps) => void

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n'

/** What an admitted CONNECT becomes, by the mode that the router decided. */
const MODES: { readonly [M in Mode]: Handler<M> } = {
  blind: openBlind,
  plain: (tunnel, client, { observer, serveInside }) => {
    client.write(ESTABLISHED, 'latin1')
    observer.accepted('plain', { host: tunnel.host, route: tunnel.route.name })
    serveInside(client, tunnel)
  },
  intercepted: (tunnel, client, { interception, observer }) => {
    if (!interception.admits(client)) throw new ProxyError('overloaded', { retryAfterSeconds: 1 })
    client.write(ESTABLISHED, 'latin1')
    observer.accepted('intercepted', { host: tunnel.host, route: tunnel.route.name })
    interception.accept(client, tunnel)
  },
}

/**
 * Answers a CONNECT, always with an HTTP status: clients that get none try again without end.
 * @param head what the client sent behind it.
 */
export function acceptConnect(request: IncomingMessage, client: Duplex, head: Buffer, deps: ModeDeps): void {
  const decision = deps.router.tunnel(request.url ?? '')
  try {
    // Node's parser lets 0.9 and 2.0 through.
    if (request.httpVersionMajor !== 1) throw new ProxyError('malformed_request')
    if (request.rawHeaders.length > deps.limits.headFields * 2) throw new ProxyError('headers_too_large')
    if ('refused' in decision) throw new ProxyError(decision.refused, decision)
    // SECURITY: a CONNECT has no content; what could be read as such must not be read as the first bytes of the tunnel.
    const { framing, hosts } = readFields(request.rawHeaders)
    if (framing !== 'none' || !isConnection(client)) throw new ProxyError('ambiguous_framing')
    if (hosts > 1) throw new ProxyError('malformed_request', { message: SEVERAL_HOSTS })
    if (head.length > 0) client.unshift(head)
    open(decision, client, deps)
  } catch (error) {
    refuse(client, error, { host: decision.host, route: decision.route?.name }, deps)
  }
}

function open<M extends Mode>(tunnel: TunnelOf<M>, client: Socket, deps: ModeDeps): void {
  const handler: Handler<M> = MODES[tunnel.mode]
  handler(tunnel, client, deps)
}

/** The client hears 200 only once there is a connection, so that a failure still has an HTTP status. */
function openBlind(tunnel: BlindTunnel, client: Socket, deps: ModeDeps): void {
  const { host, route } = tunnel
  const { requests } = deps.memory
  if (!requests.takes(HOLDS.tunnel)) throw new ProxyError('overloaded', { retryAfterSeconds: 1 })
  client.once('close', () => requests.gives(HOLDS.tunnel))
  let isOpen = false
  const abandon = deps.upstreams.open(tunnel, (error, upstream) => {
    if (!upstream) {
      refuse(client, upstreamFailure(error, 'connecting'), { host, route: route?.name }, deps)
      return
    }
    isOpen = true
    client.write(ESTABLISHED, 'latin1')
    deps.observer.accepted(route ? 'unauthenticated' : 'blind', { host, route: route?.name })
    deps.tunnels.join({ mode: 'blind', client, upstream, host })
  })
  client.on('error', ignore).on('close', () => {
    if (!isOpen) abandon()
  })
}

function refuse(client: Duplex, cause: unknown, target: ConnectTarget, { observer, requestId }: ModeDeps): void {
  const error = cause instanceof ProxyError ? cause : new ProxyError('internal_error', { cause })
  const id = requestId()
  observer.refused(error, target, id)
  refuseSocket(client, error, target.host, id)
}

/** `close` follows. */
const ignore = (): void => undefined
