import type { RequestContext } from '@kubernetes/client-node'
import { fetch } from 'undici'

/**
 * Sends a request to the API server, with the credentials, the certificates and the proxy that the client of Kubernetes has put into it.
 * SECURITY: follows no redirect, as that client would: a pod answers a scrape, and would have the caller ask whatever it names.
 */
export function send(request: RequestContext): ReturnType<typeof fetch> {
  const body = request.getBody()
  const signal = request.getSignal()
  const dispatcher = request.getDispatcher()
  return fetch(request.getUrl(), {
    method: request.getHttpMethod(),
    headers: request.getHeaders(),
    redirect: 'manual',
    ...(body && { body }),
    ...(signal && { signal }),
    ...(dispatcher && { dispatcher }),
  })
}
