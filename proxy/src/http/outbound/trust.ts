import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Route } from '../../contract.ts'

/** Trust anchors as PEM; what has none of its own uses `common`, and without that the public ones. */
export interface TrustAnchors {
  readonly common: string | undefined
  readonly byRoute: ReadonlyMap<Route, string>
}

export interface Trust {
  /** TLS settings for connections of one route, or of hosts without a rule. */
  context(route: Route | undefined): SecureContext
}

/** Creates TLS contexts with the first connection that needs them: reading the public anchors takes longer than starting. */
export function createTrust({ common, byRoute }: TrustAnchors): Trust {
  const contexts = new Map<string | undefined, SecureContext>()
  return {
    context: (route) => {
      const ca = (route && byRoute.get(route)) ?? common
      let context = contexts.get(ca)
      if (!context) {
        context = createSecureContext({ minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) })
        contexts.set(ca, context)
      }
      return context
    },
  }
}
