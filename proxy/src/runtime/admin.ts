import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ServerLimits } from './http-server.ts'
import { createHttpServer } from './http-server.ts'

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
export const internalError: AdminReply = { status: 500, body: 'internal error\n' }
export const notReady = (why: string): AdminReply => ({ status: 503, body: `${why}\n` })

/** Small requests from probes and scrapers only; a slow one must not hold a socket, and many must not hold the memory. */
export const ADMIN_LIMITS: ServerLimits = {
  connections: { total: 128, perPeer: 64 },
  headBytes: 16 * 1024,
  headMs: 5_000,
  requestMs: 5_000,
  keepAliveMs: 5_000,
}

/** Creates the server for probes, metrics or control. The caller listens and closes. */
export function createAdminServer(routes: AdminRoutes): Server {
  return createHttpServer(ADMIN_LIMITS, (request, response) => {
    void answer(routes, request).then(
      (reply) => sendReply(request, response, reply),
      () => sendReply(request, response, internalError),
    )
  })
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

/** Sends a short answer that must not be kept. */
export function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, contentType }: AdminReply,
): void {
  response.writeHead(status, {
    'Content-Type': contentType ?? 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}
