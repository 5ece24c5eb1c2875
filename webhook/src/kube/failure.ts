/** Why a call to the API server failed, by what one can do about it. */
export type KubeFailureCode = 'not-found' | 'conflict' | 'forbidden' | 'unauthorized' | 'rejected' | 'unavailable'

const CODES: Readonly<Record<number, KubeFailureCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  429: 'unavailable',
}
/** SECURITY: only these answers are repeated; others may quote what was sent. */
const REPEATED: ReadonlySet<KubeFailureCode> = new Set(['not-found', 'conflict', 'forbidden'])
const LONGEST_MESSAGE = 400

export class KubeError extends Error {
  override readonly name = 'KubeError'
  readonly code: KubeFailureCode
  /** What RBAC does not let the caller do, such as `list pods in namespace shop`; undefined where it is about something else. */
  readonly missingRight: string | undefined

  constructor(code: KubeFailureCode, message: string, missingRight?: string) {
    super(message)
    this.code = code
    this.missingRight = missingRight
  }
}

/** Runs one call. @param what verb, resource and name, for the message. @throws KubeError */
export async function calling<T>(what: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw toKubeError(what, error)
  }
}

/** SECURITY: the error itself is dropped; the client puts whole bodies and headers into its message. */
export function toKubeError(what: string, error: unknown): KubeError {
  const status = statusOf(error)
  if (status === undefined) return new KubeError('unavailable', `${what}: ${reasonOf(error)}`)
  const code = CODES[status] ?? (status < 500 ? 'rejected' : 'unavailable')
  const said = REPEATED.has(code) ? messageOf(error) : undefined
  return new KubeError(code, `${what}: ${said ?? `the API server answered ${status}`}`)
}

function statusOf(error: unknown): number | undefined {
  // A call fails with an ApiException and an event with a Status object, both with a code; a watch that is refused with a statusCode.
  const status = field(error, 'code') ?? field(error, 'statusCode')
  // A DOMException has a small number for a code.
  return typeof status === 'number' && status >= 300 ? status : undefined
}

/** The `message` of a Status object, which arrives parsed or as text. */
function messageOf(error: unknown): string | undefined {
  const body = field(error, 'body')
  const message = field(typeof body === 'string' ? parse(body) : body, 'message')
  return typeof message === 'string' ? message.slice(0, LONGEST_MESSAGE) : undefined
}

/** A failed fetch says "fetch failed"; its cause has the code. */
function reasonOf(error: unknown): string {
  const code = field(field(error, 'cause'), 'code') ?? field(error, 'code')
  if (typeof code === 'string') return code
  return error instanceof Error ? error.name : 'failed'
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
