import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { ProxyError } from '../../errors.ts'
import type { Route } from '../../contract.ts'
import type { Locate } from '../../routing/locate.ts'
import type { Router } from '../../routing/router.ts'
import { isForwardablePath } from '../../routing/target.ts'
import type { Tokens } from '../../tokens/token-request.ts'
import { PassingBody, collectBody } from './body.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeDeps, Interim, Plan } from './exchange.ts'
import type { Forwarder } from '../forwarder.ts'
import { SEVERAL_HOSTS, carries, createCredential, existingPolicy, readFields, requestHeaders } from '../headers.ts'
import type { Credential } from '../headers.ts'
import type { Limits } from '../limits.ts'

interface HandlerDeps extends ExchangeDeps {
  /** How requests on this connection say where they want to go. */
  readonly locate: (connection: Socket) => Locate
  readonly router: Router
  readonly tokens: Tokens
  readonly forwarder: Forwarder
  readonly limits: Limits
  /** Requests whose response is not finished. */
  readonly inFlight: () => number
}

/** @returns the header of a route that carries this token. */
type Credentials = (route: Route, token: string) => Credential

interface RequestDeps extends HandlerDeps {
  readonly credential: Credentials
}

export type Handler = (request: IncomingMessage, response: ServerResponse, interim?: Interim) => void

/** Creates the path of a request: target, rule, token, headers, forward, respond. Everything that fails ends in `exchange.failed`. */
export function createHandler(handlerDeps: HandlerDeps): Handler {
  const deps: RequestDeps = { ...handlerDeps, credential: createCredentials() }
  return (request, response, interim) => {
    const exchange = new Exchange(request, response, deps, interim)
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

function admit(exchange: Exchange, { inFlight, limits, locate, router }: HandlerDeps): Plan {
  const { httpVersionMajor, rawHeaders, url = '' } = exchange.request
  // Node's parser lets 0.9 and 2.0 through.
  if (httpVersionMajor !== 1) throw new ProxyError('malformed_request')
  if (inFlight() > limits.inFlight) throw new ProxyError('overloaded', { retryAfterSeconds: 1 })
  if (rawHeaders.length > limits.headFields * 2) throw new ProxyError('headers_too_large')
  const target = locate(exchange.request.socket)(url, rawHeaders)
  if ('refused' in target) throw new ProxyError(target.refused, target)
  const { origin, path, headers = rawHeaders } = target
  if (!isForwardablePath(path)) throw new ProxyError('bad_request_target')
  const destination = router.route(origin)
  exchange.names(destination.host)
  if ('refused' in destination) throw new ProxyError(destination.refused, destination)
  const plan = { destination, path, headers, fields: readFields(rawHeaders) }
  exchange.admit(plan)
  check(exchange.request, plan)
  return plan
}

/** What no partner is to see. */
function check({ method, httpVersionMinor }: IncomingMessage, { destination, fields }: Plan): void {
  // SECURITY: the response would hold the request, token included. RFC 9110 §9.3.8.
  if (destination.ruled && method === 'TRACE') throw new ProxyError('method_not_allowed')
  if (fields.hosts > 1) throw new ProxyError('malformed_request', { message: SEVERAL_HOSTS })
  // SECURITY: HTTP/1.0 has no chunked coding, so a server behind this one may not see the end of the body. RFC 9112 §6.1.
  const isChunkedHttp10 = fields.framing === 'chunked' && httpVersionMinor === 0
  if (fields.framing === 'ambiguous' || isChunkedHttp10) throw new ProxyError('ambiguous_framing')
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
  const { request, upgrade } = exchange
  const { credential, forwarder, limits } = deps
  const { destination, path, fields } = plan
  const route = destination.ruled?.route
  const carried = route && token !== undefined ? credential(route, token) : undefined
  const headers = requestHeaders(plan.headers, fields, carried)
  const { method = 'GET' } = request
  const send = (body: Buffer | PassingBody | null): void =>
    exchange.forward(
      { destination, method, path, headers, body, upgrade: upgrade?.protocol ?? null, http2: 'never' },
      forwarder,
    )
  exchange.continue()
  const { framing } = fields
  if (framing === 'none') send(null)
  else if (typeof framing === 'number' && framing <= limits.bufferedBytes) collectBody(request, send)
  else send(new PassingBody(request))
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
