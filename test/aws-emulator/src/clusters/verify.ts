import { createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import type { Cluster } from './cluster.ts'

/** Why a service account token is refused. */
export type TokenProblem = 'malformed' | 'unknown-issuer' | 'unreachable-issuer' | 'expired' | 'audience' | 'signature'

export type Verification =
  | { readonly ok: true; readonly claims: JWTPayload; readonly issuer: string }
  | { readonly ok: false; readonly problem: TokenProblem; readonly issuer: string }

export interface VerificationDeps {
  readonly clusters: readonly Cluster[]
  readonly now: () => number
}

/** AWS accepts a token this long after its expiry. */
const TOLERANCE_SECONDS = 300

/** Verifies a service account token against the keys of the cluster that it names. */
export async function verifyServiceAccountToken(
  token: string,
  audience: string,
  { clusters, now }: VerificationDeps,
): Promise<Verification> {
  const issuer = issuerOf(token)
  const fail = (problem: TokenProblem): Verification => ({ ok: false, problem, issuer: issuer ?? '' })
  if (issuer === undefined) return fail('malformed')
  const cluster = clusters.find((candidate) => candidate.issuer === issuer)
  if (!cluster) return fail('unknown-issuer')
  const jwks = await cluster.jwks().catch(() => undefined)
  if (!jwks) return fail('unreachable-issuer')
  return verify(token, { audience, issuer, jwks, now })
}

interface Expected {
  readonly audience: string
  readonly issuer: string
  readonly jwks: JSONWebKeySet
  readonly now: () => number
}

async function verify(token: string, { audience, issuer, jwks, now }: Expected): Promise<Verification> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
      issuer,
      audience,
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now()),
      requiredClaims: ['exp', 'iat', 'sub'],
    })
    return { ok: true, claims: payload, issuer }
  } catch (error) {
    return { ok: false, problem: problemOf(error), issuer }
  }
}

function problemOf(error: unknown): TokenProblem {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return error.claim === 'aud' ? 'audience' : 'malformed'
  return 'signature'
}

/** @returns undefined when the text is no JWT. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss ?? ''
  } catch {
    return undefined
  }
}
