import { randomUUID } from 'node:crypto'
import type { JSONWebKeySet } from 'jose'
import { createIssuerKeys } from '../account/keys.ts'
import { between, checkObject, checked, text, textLike } from '../admin/fields.ts'
import type { Cluster } from './cluster.ts'

/** Which service account a token is for. */
export interface ServiceAccountTokenRequest {
  readonly namespace: string
  readonly serviceAccount: string
  /** The pod whose volume holds it; Pod Identity wants one. */
  readonly pod?: string
  /** Default: STS, as in the projected volume. */
  readonly audience?: string
  readonly expiresInSeconds?: number
}

/** A cluster of the emulator's own: issues projected service account tokens as an API server does. */
export interface FakeCluster extends Cluster {
  /** In the form of EKS's issuers. */
  readonly discovery: Readonly<Record<string, unknown>>
  publicKeys(): JSONWebKeySet
  mint(request: ServiceAccountTokenRequest): Promise<string>
}

const DAY = 86_400

export async function createFakeCluster(issuer: string, now: () => number): Promise<FakeCluster> {
  const keys = await createIssuerKeys({ RS256: randomUUID() })
  return {
    issuer,
    jwks: () => Promise.resolve(keys.jwks()),
    publicKeys: keys.jwks,
    discovery: {
      issuer,
      jwks_uri: `${issuer}/keys`,
      authorization_endpoint: 'urn:kubernetes:programmatic_authorization',
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      claims_supported: ['sub', 'iss'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
    mint: ({ namespace, serviceAccount, pod, audience = 'sts.amazonaws.com', expiresInSeconds = DAY }) => {
      const iat = Math.floor(now() / 1000)
      return keys.sign('RS256', {
        iss: issuer,
        aud: [audience],
        sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
        iat,
        nbf: iat,
        exp: iat + expiresInSeconds,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          ...(pod !== undefined && { pod: { name: pod, uid: randomUUID() } }),
          serviceaccount: { name: serviceAccount, uid: randomUUID() },
        },
      })
    },
  }
}

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/

/** Parses what to mint a token for from JSON. @throws TypeError that names what is wrong with it. */
export function parseTokenRequest(body: unknown): ServiceAccountTokenRequest {
  const name = textLike(NAME, 'a name of Kubernetes')
  const required = { namespace: name, serviceAccount: name }
  const optional = { pod: name, audience: text, expiresInSeconds: between(-DAY, 365 * DAY) }
  return checked(body, (value, report) =>
    checkObject(value, { required, optional }, 'token', report),
  ) as ServiceAccountTokenRequest
}
