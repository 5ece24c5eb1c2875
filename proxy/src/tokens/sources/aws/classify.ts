import { TokenFailure, egressFailure } from '../../failures.ts'
import type { FailureReason } from '../../failures.ts'
import { redact } from '../../redact.ts'

/** What was being done: finding credentials, or minting with them. The same wire code means different things. */
export type Phase = 'session' | 'token'

/** What is read of an SDK error. SECURITY: never `$response`, `config` or the error itself: they carry requests and answers. */
interface SdkError {
  /** Without the suffix `Exception`: some codes have it on the wire, some only in the SDK's class, some in neither. */
  readonly name: string
  readonly message: string
  readonly code: string
  readonly status: number | undefined
}

type Rule = (error: SdkError, phase: Phase) => FailureReason | undefined

/**
 * Reasons by the code of STS. Source: its API reference, and answers captured from AWS.
 * SECURITY: maps, because a code may be any text, such as `constructor`, which every object has.
 */
const BY_CODE = reasons({
  OutboundWebIdentityFederationDisabled: 'federation_disabled',
  SessionDurationEscalation: 'session_too_short',
  JWTPayloadSizeExceeded: 'payload_too_large',
  RegionDisabled: 'region_disabled',
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
  IDPRejectedClaim: 'identity_token_refused',
  IDPCommunicationError: 'issuer_unreachable',
  Throttling: 'throttled',
  RequestThrottled: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequests: 'throttled',
})

/** What the same code means while a session is made: it is about the role and the service account, not about the token. */
const IN_SESSION = reasons({
  ExpiredToken: 'identity_token_expired',
  ValidationError: 'role_not_assumable',
  InvalidParameterValue: 'role_not_assumable',
})

const UNREACHABLE =
  /^(?:ECONN|ENOTFOUND|EAI_|ENET|EHOST|EPIPE|EADDR|ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/
const UNREADABLE_FILE = /^(?:ENOENT|EACCES|EPERM|EISDIR|ENOTDIR)$/
/** The SDK's words for an answer it cannot parse, or that lacks what it needs. */
const UNPARSABLE = /XML parse error|Invalid response from STS/

/** In order; the first that knows the error decides. */
const RULES: readonly Rule[] = [
  ({ name, message }, phase) => (name === 'AccessDenied' ? accessDenied(message, phase) : undefined),
  // The code is that of every wrong signature; only the words tell this one.
  ({ name, message }) =>
    name === 'SignatureDoesNotMatch' && /scoped to a valid region/i.test(message) ? 'wrong_region' : undefined,
  ({ name }, phase) => (phase === 'session' ? IN_SESSION.get(name) : undefined) ?? BY_CODE.get(name),
  // Before the name: the SDK calls a reset connection TimeoutError, too.
  ({ code }) => (UNREACHABLE.test(code) ? 'sts_unreachable' : undefined),
  ({ code }) => (UNREADABLE_FILE.test(code) ? 'token_file_unreadable' : undefined),
  ({ name }) => (name === 'TimeoutError' || name === 'AbortError' ? 'sts_timeout' : undefined),
  ({ status = 0 }) => (status === 429 ? 'throttled' : status >= 500 ? 'sts_unavailable' : undefined),
  ({ message }) => (/region is missing/i.test(message) ? 'region_missing' : undefined),
  ({ name, message }) =>
    name === 'CredentialsProviderError' && / status: 4\d\d/.test(message) ? 'pod_identity_refused' : undefined,
  ({ message }) => (UNPARSABLE.test(message) ? 'unusable_answer' : undefined),
  // Only the SDK's credential providers throw errors without an HTTP status here.
  ({ status }, phase) => (phase === 'session' && status === undefined ? 'credentials_unreachable' : undefined),
  ({ status = 400 }) => (status < 400 ? 'unusable_answer' : undefined),
]

/** @returns why minting failed, from whatever the SDK threw. */
export function classify(thrown: unknown, phase: Phase): TokenFailure {
  if (thrown instanceof TokenFailure) return thrown
  const ofEgress = egressFailure(thrown)
  if (ofEgress) return ofEgress
  const error = read(thrown)
  for (const rule of RULES) {
    const reason = rule(error, phase)
    if (reason !== undefined) return new TokenFailure(reason, describe(error))
  }
  return new TokenFailure('unknown', describe(error))
}

function reasons(byCode: Readonly<Record<string, FailureReason>>): ReadonlyMap<string, FailureReason> {
  return new Map(Object.entries(byCode))
}

function accessDenied(message: string, phase: Phase): FailureReason {
  if (/federated user sessions/i.test(message)) return 'federated_user'
  if (phase === 'session') return 'role_not_assumable'
  if (/explicit deny/i.test(message)) return 'explicitly_denied'
  return /TagGetWebIdentityToken/.test(message) ? 'tags_denied' : 'access_denied'
}

function read(thrown: unknown): SdkError {
  if (!(thrown instanceof Error)) return { name: 'unknown', message: String(thrown), code: '', status: undefined }
  const { code, $metadata } = thrown as Error & { code?: unknown; $metadata?: { httpStatusCode?: unknown } }
  const status = $metadata?.httpStatusCode
  return {
    name: thrown.name.replace(/Exception$/, ''),
    message: thrown instanceof SyntaxError ? NOT_JSON : thrown.message,
    code: typeof code === 'string' ? code : '',
    status: typeof status === 'number' ? status : undefined,
  }
}

/** SECURITY: the parser's own message quotes what it could not read, which may be a credential. */
const NOT_JSON = 'the answer is not JSON'

const DETAIL_CHARACTERS = 400

function describe({ name, message, code, status }: SdkError): string {
  const facts = [name, code, status].filter((fact) => fact !== undefined && fact !== '').join(' ')
  // The SDK adds lines about itself.
  const text = message.split('\n', 1).join('')
  return `${facts}: ${redact(text, DETAIL_CHARACTERS)}`
}
