import { randomUUID } from 'node:crypto'
import type { ClusterOptions } from './options.ts'
import { createIssuerKeys } from './keys.ts'

/** Which service account a token is for. */
export interface ServiceAccountTokenRequest {
  readonly namespace: string
  readonly serviceAccount: string
  /** Default: STS, as in the projected volume. */
  readonly audience?: string
  readonly expiresInSeconds?: number
}

/** A cluster of the emulator's own: issues projected service account tokens as an API server does. */
export interface FakeCluster extends ClusterOptions {
  mint(request: ServiceAccountTokenRequest): Promise<string>
}

export async function createFakeCluster(issuer: string, now: () => number): Promise<FakeCluster> {
  const keys = await createIssuerKeys({ RS256: randomUUID() })
  return {
    issuer,
    jwks: () => Promise.resolve(keys.jwks()),
    mint: ({ namespace, serviceAccount, audience = 'sts.amazonaws.com', expiresInSeconds = 86_400 }) => {
      const iat = Math.floor(now() / 1000)
      return keys.sign('RS256', {
        iss: issuer,
        aud: [audience],
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        iat,
        nbf: iat,
        exp: iat + expiresInSeconds,
        jti: randomUUID(),
        'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount, uid: randomUUID() } },
      })
    },
  }
}
