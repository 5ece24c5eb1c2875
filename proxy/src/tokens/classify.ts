import { TokenFailure } from './failures.ts'
import type { FailureReason } from './failures.ts'

/** What was being done: finding credentials, or minting with them. The same wire code means different things. */
export type Phase = 'session' | 'token'

/** What is read of an SDK error. SECURITY: never `$response`, `config` or the error itself: they carry requests and answers. */
interface SdkError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly status?: number
}

type Rule = (error: SdkError, phase: Phase) => FailureReason | undefined

/** Reasons by the wire code of STS. Source: docs/how-it-works.md "What AWS answers"; the wire has the suffix `Exception` where it is here. */
const BY_NAME: Readonly<Record<string, FailureReason>> = {
  OutboundWebIdentityFederationDisabledException: 'federation_disabled',
  OutboundWebIdentityFederationDisabled: 'federation_disabled',
  SessionDurationEscalationException: 'session_too_short',
  SessionDurationEscalation: 'session_too_short',
  JWTPayloadSizeExceededException: 'payload_too_large',
  JWTPayloadSizeExceeded: 'payload_too_large',
  RegionDisabledException: 'region_disabled',
  InvalidAction: 'global_endpoint',
  ValidationError: 'invalid_request',
  InvalidParameterValue: 'invalid_request',
  MalformedInput: 'invalid_request',
  ExpiredToken: 'credentials_refused',
  InvalidClientTokenId: 'credentials_refused',
  SignatureDoesNotMatch: 'credentials_refused',
  RequestExpired: 'credentials_refused',
  IncompleteSignature: 'credentials_refused',
  MissingAuthenticationToken: 'credentials_refused',
  InvalidIdentityToken: 'identity_token_refused',
  IDPRejectedClaim: 'role_not_assumable',
  ExpiredTokenException: 'identity_token_expired',
  IDPCommunicationError: 'sts_unavailable',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  RequestThrottled: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequestsException: 'throttled',
  TimeoutError: 'sts_timeout',
  AbortError: 'sts_timeout',
}

const UNREACHABLE =
  /^(?:ECONN|ENOTFOUND|EAI_|ENET|EHOST|EPIPE|EADDR|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/
const UNREADABLE_FILE = /^(?:ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/

/** In order; the first that knows the error decides. */
const RULES: readonly Rule[] = [
  ({ name, message }, phase) => (name.startsWith('AccessDenied') ? accessDenied(message, phase) : undefined),
  ({ name, code }) => BY_NAME[name] ?? (code === undefined ? undefined : BY_NAME[code]),
  ({ status }) =>
    status === 429 ? 'throttled' : status !== undefined && status >= 500 ? 'sts_unavailable' : undefined,
  ({ code }) => (code !== undefined && UNREADABLE_FILE.test(code) ? 'token_file_unreadable' : undefined),
  ({ code, message }) =>
    UNREACHABLE.test(code ?? '') || /socket hang up|aborted/.test(message) ? 'sts_unreachable' : undefined,
  ({ message }) => (/region is missing/i.test(message) ? 'region_missing' : undefined),
  ({ name }, phase) =>
    name === 'CredentialsProviderError' || (phase === 'session' && name === 'Error')
      ? 'credentials_unreachable'
      : undefined,
  ({ status }) => (status !== undefined && status >= 400 ? undefined : 'unusable_answer'),
]

/** @returns why minting failed, from whatever the SDK threw. */
export function classify(thrown: unknown, phase: Phase): TokenFailure {
  if (thrown instanceof TokenFailure) return thrown
  const error = read(thrown)
  for (const rule of RULES) {
    const reason = rule(error, phase)
    if (reason !== undefined) return new TokenFailure(reason, describe(error))
  }
  return new TokenFailure('unknown', describe(error))
}

function accessDenied(message: string, phase: Phase): FailureReason {
  if (/federated user sessions/i.test(message)) return 'federated_user'
  if (phase === 'session' || /AssumeRole/.test(message)) return 'role_not_assumable'
  if (/explicit deny/i.test(message)) return 'explicitly_denied'
  return /TagGetWebIdentityToken/.test(message) ? 'tags_denied' : 'access_denied'
}

function read(thrown: unknown): SdkError {
  if (!(thrown instanceof Error)) return { name: 'unknown', message: String(thrown) }
  const { code, $metadata } = thrown as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } }
  const status = $metadata?.httpStatusCode
  return {
    name: thrown.name,
    message: thrown.message,
    ...(typeof code === 'string' && { code }),
    ...(typeof status === 'number' && { status }),
  }
}

/** Longest detail that is logged; an HTML page in place of an answer is longer. */
const DETAIL_CHARACTERS = 300

function describe({ name, message, code, status }: SdkError): string {
  const facts = [name, code, status].filter((fact) => fact !== undefined && fact !== '').join(' ')
  const text = message.replace(/[^\x20-\x7e]+/g, ' ').slice(0, DETAIL_CHARACTERS)
  return `${facts}: ${redactSecrets(text)}`
}

/** SECURITY: what a broken answer echoes may be a token, a key or a session token. */
function redactSecrets(text: string): string {
  return text.replace(/[\w+/=-]{40,}(?:\.[\w-]+)*|\bA[KS]IA[A-Z0-9]{12,}/g, '[redacted]')
}
