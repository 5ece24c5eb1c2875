import type { ExpandedExchange, Route } from '../contract.ts'
import { FAILURES } from '../tokens/failures.ts'
import type { FailureReason, TokenFailure } from '../tokens/failures.ts'
import { subjectOf } from '../tokens/sources.ts'
import type { TokenSpec } from '../tokens/sources.ts'
import type { TokenRequest } from '../tokens/token-request.ts'
import { LARGE_TOKEN_BYTES, describeSizes } from '../tokens/token.ts'
import type { Token } from '../tokens/token.ts'
import type { Outcome } from './outcome.ts'
import { failed, skipped } from './outcome.ts'
import type { Finding } from './report.ts'
import { REFUSE_ES384 } from './requirements.ts'

/** @param token that was minted for this report, or why there is none. An opaque one has no claims to show. */
export function tokenFinding({ route, spec }: TokenRequest, token: Outcome<Token>): Finding {
  if (!token.ok) return failedFinding(route, token.failure, spec)
  const { durationSeconds } = subjectOf(spec)
  const { value, subject = token.value } = token.value
  const { evidence } = subject
  const seconds = lifeOf(subject)
  const fact = `${describe(subject)}, for ${subjectOf(spec).audience.join(', ')}${exchanged(spec, token.value)}`
  const about = { id: 'token', subject: route, ...(evidence && { claims: evidence.claims }) } as const
  if (value.length > LARGE_TOKEN_BYTES)
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. Many servers refuse headers over 8 KiB${token.value.evidence ? `; largest claims: ${describeSizes(token.value.evidence)}` : '.'}`,
      fix: FAILURES.token_too_large.hint,
    }
  if (seconds < durationSeconds && subjectOf(spec).source === 'aws')
    return {
      ...about,
      verdict: 'warn',
      found: `${fact}. ${durationSeconds} s were asked for; the AWS session ends before.`,
      fix: FAILURES.session_too_short.hint,
    }
  const refused = evidence?.algorithm === 'ES384' ? `. These refuse ES384: ${REFUSE_ES384.join(', ')}` : ''
  return { ...about, verdict: 'pass', found: `${fact}${refused}` }
}

/** Where the exchange failed, what the partner was given is what to compare with its registration. */
function failedFinding(route: string, failure: TokenFailure, spec: TokenSpec): Finding {
  const finding = failed('token', failure, route)
  const { reason, subject } = failure
  if (!subject) return JUDGED.includes(reason) ? { ...finding, found: `${finding.found} ${askedFor(spec)}` } : finding
  const given = `It was given ${subject.algorithm} of ${subject.issuer}, for ${subject.audience.join(', ')}`
  return { ...finding, found: `${finding.found} ${given}`, claims: subject.claims }
}

/** Refusals for what was asked for: one of these did not fit a condition of IAM. */
const JUDGED: readonly FailureReason[] = ['access_denied', 'tags_denied', 'explicitly_denied', 'invalid_request']

/** SECURITY: of tags their keys. */
function askedFor(spec: TokenSpec): string {
  const subject = subjectOf(spec)
  if (subject.source !== 'aws') return ''
  const { audience, durationSeconds, signingAlgorithm, tags } = subject
  const keys = Object.keys(tags)
  const tagged = keys.length > 0 ? `, tags ${keys.join(', ')}` : ''
  return `Asked for: audience ${audience.join(', ')}; ${durationSeconds} s; ${signingAlgorithm}${tagged}.`
}

/** @returns what the partner must have on record to take the token that this route gets or exchanges. */
export function registrationFinding({ route }: TokenRequest, token: Outcome<Token>): Finding {
  const given = token.ok ? (token.value.subject ?? token.value).evidence : token.failure.subject
  if (given === undefined) return { ...skipped('registration', 'Not known: no JWT was minted for it.'), subject: route }
  const { issuer, subject, audience, algorithm } = given
  return {
    id: 'registration',
    subject: route,
    verdict: 'pass',
    found: `issuer ${issuer}, subject ${subject}, audience ${audience.join(', ')}, algorithm ${algorithm}`,
  }
}

/** Whose answer did not come from the token endpoint. */
const SILENT: readonly FailureReason[] = ['exchange_unreachable', 'exchange_timeout']

/** @returns for an exchange, whether its token endpoint answers; whoever refuses a token answers. */
export function endpointFindings({ route, spec }: TokenRequest, token: Outcome<Token>): readonly Finding[] {
  if (spec.source !== 'exchange') return []
  const host = endpointOf(spec.exchange)
  if (token.ok) return [{ id: 'endpoint', subject: route, verdict: 'pass', found: `${host} answers.` }]
  const { failure } = token
  if (SILENT.includes(failure.reason)) return [failed('endpoint', failure, route)]
  if (failure.step !== 'exchange' || failure.reason === 'client_secret_unreadable')
    return [{ ...skipped('endpoint', `${host} was not asked: there is nothing to exchange.`), subject: route }]
  return [{ id: 'endpoint', subject: route, verdict: 'pass', found: `${host} answers, with a refusal.` }]
}

function exchanged(spec: TokenSpec, result: Token): string {
  return spec.source === 'exchange' ? `; exchanged at ${endpointOf(spec.exchange)}: ${describe(result)}` : ''
}

function endpointOf(exchange: ExpandedExchange): string {
  if (exchange.type === 'google') return 'sts.googleapis.com'
  return new URL(exchange.type === 'vault' ? exchange.address : exchange.tokenUrl).host
}

const lifeOf = ({ evidence, expiresInMs }: Token): number =>
  evidence ? evidence.expiresAt - evidence.issuedAt : Math.floor(expiresInMs / 1000)

const describe = (token: Token): string =>
  `${token.evidence?.algorithm ?? 'Opaque, not a JWT'}, ${lifeOf(token)} s, ${token.value.length} bytes`

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
