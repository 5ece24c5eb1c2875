// One of two files that use jose; loaded with the first token, as the AWS SDK is.
import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { TokenEvidence } from './token.ts'

/** RFC 7515 §3.1. SECURITY: a token with any other character could break out of the header field it is sent in. */
const COMPACT_JWS = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * Reads a compact JWS whose payload is a JWT claims set.
 * @throws TypeError saying what is wrong with its form. SECURITY: never quoting any of it.
 */
export function readEvidence(jwt: string): TokenEvidence {
  if (!COMPACT_JWS.test(jwt))
    throw new TypeError(
      `a token has three base64url parts; this one has ${jwt.split('.').length} parts or other characters`,
    )
  const header = decoded('header', () => decodeProtectedHeader(jwt))
  const claims = decoded('payload', () => decodeJwt(jwt))
  const audience: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  return {
    algorithm: textOf(header, 'alg'),
    issuer: textOf(claims, 'iss'),
    subject: textOf(claims, 'sub'),
    audience: audience.filter((item) => typeof item === 'string'),
    issuedAt: secondsOf(claims, 'iat'),
    expiresAt: secondsOf(claims, 'exp'),
    jti: typeof claims.jti === 'string' ? claims.jti : '',
    claims,
  }
}

/** SECURITY: neither the message nor the cause of a decoder goes along; they may quote the token. */
function decoded<T>(what: string, decode: () => T): T {
  try {
    return decode()
  } catch {
    throw new TypeError(`the ${what} of the token is not a JSON object`)
  }
}

function textOf(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name]
  if (typeof value === 'string' && value !== '') return value
  throw new TypeError(`the token has no ${name}`)
}

function secondsOf(record: Readonly<Record<string, unknown>>, name: string): number {
  const value = record[name]
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw new TypeError(`the ${name} of the token is not a number`)
}
