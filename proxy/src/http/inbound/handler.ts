import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { Route } from '../../contract.ts'
import type { Locate } from '../../routing/locate.ts'
import type { Router } from '../../routing/router.ts'
import { isForwardablePath, isOriginAlone } from '../../routing/target.ts'
import { sizeOfHead } from '../../runtime/index.ts'
import type { Tokens } from '../../tokens/token-request.ts'
import { PassingBody, collectBody } from './body.ts'
import type { Exchange, Plan } from './exchange.ts'
import type { Forwarder } from '../forwarder.ts'
import { SEVERAL_HOSTS, carries, createCredential, existingPolicy, requestHeaders } from '../headers.ts'
import type { Credential, RequestFields } from '../headers.ts'
import type { Limits } from '../limits.ts'
import { requestBytes } from '../memory.ts'
import type { MemoryBudget } from '../memory.ts'

interface HandlerDeps {
  /** How requests on this connection say where they want to go. */
  readonly locate: (connection: Socket) => Locate
  readonly router: Router
  readonly tokens: Tokens
  readonly forwarder: Forwarder
  readonly limits: Limits
  readonly memory: MemoryBudget
  /** Requests whose response is not finished. */
  readonly inFlight: () => number
}

/** @returns the header of a route that carries this token. */
type Credentials = (route: Route, token: string) => Credential

interface RequestDeps extends HandlerDeps {
  readonly credential: Credentials
}

export type Handler = (exchange: Exchange) => void

/** Creates the path of a request: target, rule, token, headers, forward, respond. Everything that fails ends in `exchange.failed`. */
export function createHandler(handlerDeps: HandlerDeps): Handler {
  const deps: RequestDeps = { ...handlerDeps, credential: createCredentials() }
  return (exchange) => {
    try {
      const plan = admit(exchange, deps)
      const token = tokenFor(plan, deps.tokens)
      // SECURITY: a rejected token ends in `failed`; the partner is never called without one.
      if (typeof token !== 'object') proceed(exchange, plan, token, deps)
      else token.then((late) => proceed(exchange, plan, late, deps)).catch((error: unknown) => exchange.failed(error))
    } catch (error) {
      exchange.failed(error)
    }
  }
}

function admit(exchange: Exchange, { inFlight, limits, locate, memory, router }: HandlerDeps): Plan {
  const fields = exchange.fields()
  const headBytes = sizeOfHead(exchange.target, exchange.headers)
  const bytes = requestBytes(bufferedBytes(fields, limits), headBytes)
  if (inFlight() > limits.inFlight || !memory.requests.takes(bytes))
    throw new ProxyError('overloaded', { retryAfterSeconds: 1 })
  exchange.heldBytes = bytes
  if (exchange.headers.length > limits.headFields * 2) throw new ProxyError('headers_too_large')
  const target = locate(exchange.connection)(exchange.target, exchange.headers)
  if ('refused' in target) throw new ProxyError(target.refused, target)
  const { origin, headers = exchange.headers } = target
  const path = exchange.method === 'OPTIONS' && isOriginAlone(exchange.target) ? '*' : target.path
  if (!isForwardablePath(path)) throw new ProxyError('bad_request_target')
  const destination = router.route(origin)
  exchange.names(destination.host)
  if ('refused' in destination) throw new ProxyError(destination.refused, destination)
  const plan = { destination, path, headers, fields }
  exchange.admit(plan)
  check(exchange.method, plan)
  return plan
}

/** A body that is streamed is held back when there is as much of it. */
function bufferedBytes({ framing }: RequestFields, limits: Limits): number {
  if (framing === 'none') return 0
  return typeof framing === 'number' ? Math.min(framing, limits.bufferedBytes) : limits.bufferedBytes
}

/** SECURITY: the response would hold the request, token included. RFC 9110 §9.3.8; TRACK is what old versions of IIS call it as well. */
const ECHOED = new Set(['TRACE', 'TRACK'])

/** What no partner is to see. */
function check(method: string, { destination, fields }: Plan): void {
  if (destination.ruled && ECHOED.has(method)) throw new ProxyError('method_not_allowed')
  if (fields.hosts > 1) throw new ProxyError('malformed_request', { message: SEVERAL_HOSTS })
  if (fields.framing === 'ambiguous') throw new ProxyError('ambiguous_framing')
}

/** @returns undefined when the request goes without a token of ours. */
function tokenFor({ destination, headers, fields }: Plan, tokens: Tokens): string | Promise<string> | undefined {
  if (!destination.ruled) return undefined
  const { route, token } = destination.ruled
  if (route.onExisting !== 'replace') {
    const present = carries(headers, route.header.name, fields)
    const policy = existingPolicy(route.onExisting, present)
    if (policy === 'reject') throw new ProxyError('authorization_present')
    if (policy === 'leave') return undefined
  }
  return tokens.get(token)
}

function proceed(exchange: Exchange, plan: Plan, token: string | undefined, deps: RequestDeps): void {
  if (exchange.isClosed) return
  const { http2, method, upgrade } = exchange
  const { credential, forwarder, limits } = deps
  const { destination, path, fields } = plan
  const route = destination.ruled?.route
  exchange.token = token
  const carried = route && token !== undefined ? credential(route, token) : undefined
  const headers = requestHeaders(plan.headers, fields, carried)
  const send = (body: Buffer | PassingBody | null): void =>
    exchange.forward({ destination, method, path, headers, body, upgrade: upgrade?.protocol ?? null, http2 }, forwarder)
  exchange.continue()
  const { framing } = fields
  if (framing === 'none') send(null)
  else if (typeof framing === 'number' && framing <= limits.bufferedBytes) collectBody(exchange, send)
  else send(new PassingBody(exchange))
}

/** Remembers the last one of each route; a route of several audiences takes turns. */
function createCredentials(): Credentials {
  const last = new Map<Route, { readonly token: string; readonly credential: Credential }>()
  return (route, token) => {
    const known = last.get(route)
    if (known?.token === token) return known.credential
    const credential = createCredential(route.header, token)
    last.set(route, { token, credential })
    return credential
  }
}
