import type { JWTPayload } from 'jose'
import type { Answer } from './sidecar.ts'

export interface Expected {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
}

/**
 * Checks that the partner verified a token with exactly these claims.
 * @returns what the partner saw, to be printed.
 * @throws when it saw anything else.
 */
export function expectPartnerAnswer({ status, body }: Answer, expected: Expected): Record<string, string> {
  if (status !== 200) throw new Error(`the partner answered ${status}: ${body}`)
  const { claims, verified } = JSON.parse(body) as { claims: JWTPayload; verified: boolean }
  const { iss, sub, aud, exp } = claims
  if (
    !verified ||
    iss !== expected.issuer ||
    sub !== expected.subject ||
    aud !== expected.audience ||
    exp === undefined
  ) {
    throw new Error(`the partner saw other claims: ${body}`)
  }
  return {
    status: String(status),
    issuer: iss,
    subject: sub,
    audience: aud,
    expires: new Date(exp * 1000).toISOString(),
  }
}
