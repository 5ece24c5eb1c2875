import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { internalError, sendReply } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { ErrorRequestHandler } from 'express'
import express from 'express'

/** One path, and who answers it. HEAD is answered wherever GET is. */
export interface Route {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Answers, or throws. */
  readonly handle: (request: IncomingMessage, response: ServerResponse) => void | Promise<void>
}

/** Makes a listener out of a table of routes; what is not in it is 404, or 405 where another method is. */
export function createApp(routes: readonly Route[]): RequestListener {
  const app = express()
  // What express would add to answers, or work out from requests, and nobody here reads.
  for (const setting of ['x-powered-by', 'etag', 'query parser']) app.disable(setting)
  // Paths are compared as they are: /Mutate and /mutate/ are others.
  for (const setting of ['case sensitive routing', 'strict routing']) app.enable(setting)
  for (const { method, path, handle } of routes) app[method === 'GET' ? 'get' : 'post'](path, handle)
  for (const path of new Set(routes.map((route) => route.path))) {
    const allowed = routes.filter((route) => route.path === path).map(({ method }) => method)
    app.all(path, (request, response) => {
      response.setHeader('Allow', allowed.join(', '))
      sendReply(request, response, { status: 405, body: `${path} allows ${allowed.join(', ')}\n` })
    })
  }
  const notFound = `paths here: ${routes.map(({ method, path }) => `${method} ${path}`).join(', ')}\n`
  app.use((request, response) => sendReply(request, response, { status: 404, body: notFound }))
  app.use(onError)
  return app
}

/** SECURITY: what was thrown is not told. */
// eslint-disable-next-line @typescript-eslint/no-unused-vars -- express knows an error handler by its four parameters
const onError: ErrorRequestHandler = (_error, request, response, _next) => {
  if (response.headersSent) response.destroy()
  else sendReply(request, response, internalError)
}
