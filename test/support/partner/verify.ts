import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'

/** What a partner trusts. */
export interface Trusted {
  /** The one issuer, and where its keys are. */
  readonly issuer: string
  readonly jwksUri: string
  /** The audiences this partner answers to. */
  readonly audience: string | string[]
}

/** What the partner makes of a request. */
export type Verdict =
  | { readonly verified: true; readonly claims: JWTPayload; readonly algorithm: string }
  | { readonly verified: false; readonly reason: string }

/** Creates the check a partner makes: a bearer JWT, signed by a key of the issuer, for this audience, not expired. */
export function createVerifier({
  issuer,
  jwksUri,
  audience,
}: Trusted): (request: Pick<IncomingMessage, 'headers'>) => Promise<Verdict> {
  const keys = createRemoteJWKSet(new URL(jwksUri))
  return async (request) => {
    const token = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (token === undefined) return { verified: false, reason: 'no bearer token' }
    try {
      const { payload, protectedHeader } = await jwtVerify(token, keys, {
        issuer,
        audience,
        algorithms: ['RS256', 'ES384'],
      })
      return { verified: true, claims: payload, algorithm: protectedHeader.alg }
    } catch (error) {
      return { verified: false, reason: error instanceof errors.JOSEError ? error.code : 'unverifiable' }
    }
  }
}
