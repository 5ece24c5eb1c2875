import type { Route } from '../contract.ts'
import { FAILURES } from '../tokens/failures.ts'
import { describeSizes } from '../tokens/jwt.ts'
import type { TokenClaims } from '../tokens/jwt.ts'
import { LARGE_TOKEN_BYTES } from '../tokens/sources/aws/mint.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import type { Outcome } from './outcome.ts'
import { failed } from './outcome.ts'
import type { Finding } from './report.ts'
import { REFUSE_ES384 } from './requirements.ts'

/** A token that was minted for this report. */
export interface Minted {
  readonly bytes: number
  readonly claims: TokenClaims
}

/** @param token that was minted for this report, or why there is none. */
export function tokenFinding(request: TokenRequest, token: Outcome<Minted>): Finding {
  const subject = request.route
  if (!token.ok) return failed('token', token.failure, subject)
  const { bytes, claims } = token.value
  const seconds = claims.expiresAt - claims.issuedAt
  const fact = `${claims.algorithm}, ${seconds} s, ${bytes} bytes, for ${request.audience.join(', ')}`
  const about = { id: 'token', subject } as const
  if (bytes > LARGE_TOKEN_BYTES)
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. Many servers refuse headers over 8 KiB; largest claims: ${describeSizes(claims)}`,
      fix: FAILURES.token_too_large.hint,
      claims: claims.all,
    }
  if (seconds < request.durationSeconds)
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. ${request.durationSeconds} s were asked for; the AWS session ends before.`,
      fix: FAILURES.session_too_short.hint,
      claims: claims.all,
    }
  const refused = claims.algorithm === 'ES384' ? `. These refuse ES384: ${REFUSE_ES384.join(', ')}` : ''
  return { ...about, verdict: 'pass', found: `${fact}${refused}`, claims: claims.all }
}

/** @returns a finding for each route whose audience is known only when a host is called. */
export function unknownAudienceFindings(routes: readonly Route[]): readonly Finding[] {
  return routes
    .filter(({ audience, hosts }) => audience.length === 0 && hosts.every((host) => host.startsWith('*')))
    .map(({ name }) => ({
      id: 'token',
      subject: name,
      verdict: 'skip',
      found: 'Its audience depends on the host that is called.',
      fix: 'Call one of its hosts and look at the answer, or set outbound-jwt.io/audience.',
    }))
}
