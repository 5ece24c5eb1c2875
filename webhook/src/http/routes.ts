import { ADMIN_PATHS } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AdminReply } from '@aws-outbound-jwt-injector/proxy/runtime'
import { notReady, okReply, sendReply } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { InjectionRequest } from '../injection/decide.ts'
import type { Route } from './app.ts'

export interface RoutesDeps {
  /** Answers reviews of pods in a mode. */
  readonly review: (mode: InjectionRequest['mode']) => Route['handle']
  /** Answers reviews of what makes pods. */
  readonly warn: (mode: InjectionRequest['mode']) => Route['handle']
  /** @returns why no reviews should be sent here; undefined when they should. */
  readonly notReadyReason: () => string | undefined
  readonly renderMetrics: () => Promise<{ readonly contentType: string; readonly body: string }>
}

/** What each port of the webhook answers. */
export interface Routes {
  /** Reached by the API server, over TLS. The path tells the mode, because both registrations send the same request. */
  readonly admission: readonly Route[]
  /** Reached by kubelet and scrapers, in clear text. */
  readonly admin: readonly Route[]
}

/** Every path of the webhook. */
export function createRoutes({ review, warn, notReadyReason, renderMetrics }: RoutesDeps): Routes {
  return {
    admission: [
      { method: 'POST', path: '/mutate', handle: review('pod') },
      { method: 'POST', path: '/mutate/namespace', handle: review('namespace') },
      { method: 'POST', path: '/warn', handle: warn('pod') },
      { method: 'POST', path: '/warn/namespace', handle: warn('namespace') },
    ],
    admin: [
      { method: 'GET', path: ADMIN_PATHS.livez, handle: replying(() => okReply) },
      { method: 'GET', path: ADMIN_PATHS.readyz, handle: replying(() => readiness(notReadyReason())) },
      {
        method: 'GET',
        path: ADMIN_PATHS.metrics,
        handle: replying(async () => ({ status: 200, ...(await renderMetrics()) })),
      },
    ],
  }
}

const readiness = (reason: string | undefined): AdminReply => (reason === undefined ? okReply : notReady(reason))

const replying =
  (reply: () => AdminReply | Promise<AdminReply>): Route['handle'] =>
  async (request, response) =>
    sendReply(request, response, await reply())
