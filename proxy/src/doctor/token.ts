import type { Route } from '../contract.ts'
import { FAILURES } from '../tokens/failures.ts'
import { subjectOf } from '../tokens/sources.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import { LARGE_TOKEN_BYTES, describeSizes } from '../tokens/token.ts'
import type { Token } from '../tokens/token.ts'
import type { Outcome } from './outcome.ts'
import { failed } from './outcome.ts'
import type { Finding } from './report.ts'
import { REFUSE_ES384 } from './requirements.ts'

/** @param token that was minted for this report, or why there is none. An opaque one has no claims to show. */
export function tokenFinding({ route, spec }: TokenRequest, token: Outcome<Token>): Finding {
  const { audience, durationSeconds } = subjectOf(spec)
  if (!token.ok) return failed('token', token.failure, route)
  const { value, expiresInMs, evidence } = token.value
  const seconds = evidence ? evidence.expiresAt - evidence.issuedAt : Math.floor(expiresInMs / 1000)
  const form = evidence ? evidence.algorithm : 'Opaque, not a JWT'
  const fact = `${form}, ${seconds} s, ${value.length} bytes, for ${audience.join(', ')}`
  const about = { id: 'token', subject: route, ...(evidence && { claims: evidence.claims }) } as const
  if (value.length > LARGE_TOKEN_BYTES)
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. Many servers refuse headers over 8 KiB${evidence ? `; largest claims: ${describeSizes(evidence)}` : '.'}`,
      fix: FAILURES.token_too_large.hint,
    }
  if (seconds < durationSeconds)
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. ${durationSeconds} s were asked for; the AWS session ends before.`,
      fix: FAILURES.session_too_short.hint,
    }
  const refused = evidence?.algorithm === 'ES384' ? `. These refuse ES384: ${REFUSE_ES384.join(', ')}` : ''
  return { ...about, verdict: 'pass', found: `${fact}${refused}` }
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
