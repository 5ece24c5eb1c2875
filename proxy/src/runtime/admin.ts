import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

export interface AdminReply {
  readonly status: number
  readonly body: string
  readonly contentType?: string
}

/** Answers one path; asked anew for every request. */
export type AdminHandler = (request: IncomingMessage) => AdminReply | Promise<AdminReply>

/** `GET /readyz` style keys. HEAD is answered wherever GET is. */
export type AdminRoutes = Readonly<Record<string, AdminHandler>>

export const okReply: AdminReply = { status: 200, body: 'ok\n' }
export const notReady = (why: string): AdminReply => ({ status: 503, body: `${why}\n` })

/** Small requests from probes and scrapers only; a slow one must not hold a socket. */
const HEADERS_TIMEOUT_MS = 5_000

/** Creates the server for probes, metrics or control. The caller listens and closes. */
export function createAdminServer(routes: AdminRoutes): Server {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: HEADERS_TIMEOUT_MS },
    (request, response) => {
      void answer(routes, request).then(
        (reply) => send(request, response, reply),
        () => send(request, response, { status: 500, body: 'internal error\n' }),
      )
    },
  )
  return server
}

async function answer(routes: AdminRoutes, request: IncomingMessage): Promise<AdminReply> {
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET')
  const key = `${method} ${path}`
  const handler = Object.hasOwn(routes, key) ? routes[key] : undefined
  if (handler) return handler(request)
  const allowed = Object.keys(routes).filter((route) => route.endsWith(` ${path}`))
  if (allowed.length > 0)
    return { status: 405, body: `${path} allows ${allowed.map((route) => route.split(' ', 1)[0]).join(', ')}\n` }
  return { status: 404, body: `paths here: ${Object.keys(routes).join(', ')}\n` }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, contentType }: AdminReply): void {
  response.writeHead(status, {
    'Content-Type': contentType ?? 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
