import { isRecord } from '../../contract.ts'
import { TokenFailure } from '../failures.ts'
import type { FailureReason } from '../failures.ts'
import { redact } from '../redact.ts'

/** A POST to a token endpoint. SECURITY: body and headers hold tokens and secrets. */
export interface EndpointRequest {
  /** https. */
  readonly url: string
  /** Names in lower case. Nothing but these, Host and Content-Length is sent. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** PEM file with the only trust anchors; absent: those of partners without their own. */
  readonly caFile: string | undefined
}

export interface EndpointAnswer {
  readonly status: number
  /** Retry-After, in milliseconds from now. */
  readonly retryAfterMs: number | undefined
  readonly body: string
}

/**
 * Calls a token endpoint by the TLS and address rules of partners, without following redirects.
 * @throws TokenFailure (as rejection) exchange_unreachable, unusable_answer, or the reason of the signal.
 */
export type CallEndpoint = (request: EndpointRequest, signal: AbortSignal) => Promise<EndpointAnswer>

/** What one exchange has at hand. */
export interface ExchangeCall {
  /** SECURITY: the source token. */
  readonly subject: string
  readonly call: CallEndpoint
  /** @throws TokenFailure (as rejection) client_secret_unreadable. */
  readonly readSecret: (path: string) => Promise<string>
  /** Of the Unix epoch. */
  readonly nowMs: () => number
  readonly signal: AbortSignal
}

/** More than any answer with a token has. */
export const LARGEST_ANSWER_BYTES = 256 * 1024

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * @param secrets that were sent.
 * @returns the JSON object of a successful answer.
 * @throws TokenFailure for every other answer.
 */
export function readAnswer(answer: EndpointAnswer, secrets: readonly string[]): JsonObject {
  const { status, body } = answer
  const json = parse(body)
  if (status < 200 || status >= 300) throw refusal(answer, json, secrets)
  if (isRecord(json)) return json
  throw new TokenFailure('unusable_answer', `the answer of the token endpoint (${status}) is not a JSON object`)
}

/** RFC 6749 §5.2, RFC 8693 §2.2.2, and two that say that it passes. SECURITY: a map, because the partner may say `constructor`. */
const BY_ERROR: ReadonlyMap<string, FailureReason> = new Map([
  ['invalid_grant', 'invalid_grant'],
  ['invalid_client', 'invalid_client'],
  ['unauthorized_client', 'unauthorized_client'],
  ['invalid_target', 'invalid_target'],
  ['temporarily_unavailable', 'exchange_unavailable'],
  ['server_error', 'exchange_unavailable'],
])

const LONGEST_ERROR = 64
const LONGEST_DESCRIPTION = 200

function refusal({ status, retryAfterMs }: EndpointAnswer, json: unknown, secrets: readonly string[]): TokenFailure {
  const { error, description } = readError(json)
  const name = redact(error, LONGEST_ERROR, secrets)
  const said = [name, redact(description, LONGEST_DESCRIPTION, secrets)].filter(Boolean).join(': ')
  const detail = [`HTTP ${status}`, said].filter(Boolean).join(', ')
  return new TokenFailure(reasonOf(status, name), detail, { retryAfterMs, said: detail })
}

function reasonOf(status: number, error: string): FailureReason {
  if (status === 429) return 'exchange_throttled'
  if (status === 408 || status >= 500) return 'exchange_unavailable'
  return BY_ERROR.get(error) ?? 'exchange_denied'
}

interface PartnerError {
  readonly error: string
  readonly description: string
}

/**
 * Reads the shapes in which partners put errors: RFC 6749 (`error`, `error_description`), an object with a name and a message (Google: `status`;
 * Anthropic and OpenAI: `type`), and Vault's list of texts (`errors`).
 */
function readError(json: unknown): PartnerError {
  if (!isRecord(json)) return { error: '', description: '' }
  const { error, errors } = json
  if (isRecord(error))
    return { error: firstText(error['status'], error['type'], error['code']), description: firstText(error['message']) }
  if (Array.isArray(errors))
    return { error: '', description: errors.filter((item) => typeof item === 'string').join(' ') }
  return {
    error: firstText(error),
    description: firstText(json['error_description'], json['message'], json['detail']),
  }
}

function firstText(...values: readonly unknown[]): string {
  return values.find((value): value is string => typeof value === 'string') ?? ''
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
