import type { V1Status } from '@kubernetes/client-node'
import { describeProblem } from '@aws-outbound-jwt-injector/proxy/contract'
import { ReviewError } from '../errors.ts'
import type { Decision } from '../injection/decide.ts'
import { hasMoreValues } from './json-values.ts'

/** The parts of an AdmissionRequest (admission.k8s.io/v1) that matter here. */
export interface AdmissionRequest {
  readonly uid: string
  readonly namespace: string
  readonly operation: string
  /** Whether it is about a pod itself. A registration of somebody else's may send anything. */
  readonly isPod: boolean
  readonly object: unknown
}

/** Source: AdmissionResponse of k8s.io/api/admission/v1; the client has no type for it. */
interface AdmissionResponse {
  readonly uid: string
  readonly allowed: boolean
  readonly auditAnnotations: Readonly<Record<string, string>>
  readonly warnings?: readonly string[]
  /** Why it is refused; kubectl shows the message. */
  readonly status?: Readonly<Pick<V1Status, 'code' | 'reason' | 'message'>>
  readonly patchType?: 'JSONPatch'
  /** A JSON Patch in base64. */
  readonly patch?: string
}

/** The AdmissionReview that answers a request. */
interface AnsweredReview {
  readonly apiVersion: 'admission.k8s.io/v1'
  readonly kind: 'AdmissionReview'
  readonly response: AdmissionResponse
}

/**
 * SECURITY: whoever may create pods chooses how many values they have. An API server stores 1.5 MB of a pod, and pods as it sends them
 * have a comma or bracket every 16 characters. The costliest of so many values take 39 MB; without a bound, one body of 8 MB took 329.
 */
const MOST_VALUES = 200_000
/** SECURITY: it is logged and answered. A uid is a UUID, a namespace an RFC 1123 label of at most 63 characters. */
const LONGEST_NAME = 128

/** RFC 9110 §15.5.21: understood, and cannot be processed as it is. */
const REFUSED = 422

/** @throws ReviewError too-large, not-json or not-a-review. */
export function parseReview(body: string): AdmissionRequest {
  if (hasMoreValues(body, MOST_VALUES)) throw new ReviewError('too-large')
  const review = parseJson(body)
  if (!isObject(review) || review['apiVersion'] !== 'admission.k8s.io/v1' || review['kind'] !== 'AdmissionReview')
    throw new ReviewError('not-a-review')
  return readRequest(review['request'])
}

function readRequest(request: unknown): AdmissionRequest {
  if (!isObject(request)) throw new ReviewError('not-a-review')
  const { uid, namespace = '', operation = '', object, kind } = request
  if (!isName(uid) || uid === '' || !isName(namespace) || !isName(operation)) throw new ReviewError('not-a-review')
  if (operation === 'CREATE' && !isObject(object)) throw new ReviewError('not-a-review')
  return { uid, namespace, operation, object, isPod: kind === undefined || isCorePod(kind) }
}

/** @returns the answer to a request; the uid is always the request's. */
export function answerReview(uid: string, decision: Decision): AnsweredReview {
  const auditAnnotations = { decision: decision.kind, reason: decision.reason }
  const response = { uid, auditAnnotations, ...outcome(decision) }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
}

function outcome(decision: Decision): Omit<AdmissionResponse, 'uid' | 'auditAnnotations'> {
  switch (decision.kind) {
    case 'deny':
      return {
        allowed: false,
        status: { code: REFUSED, reason: 'Invalid', message: refusalMessage(decision) },
      }
    case 'allow':
      return { allowed: true, ...warned(decision.warnings) }
    case 'inject':
    case 'repair':
      return {
        allowed: true,
        ...warned(decision.warnings),
        patchType: 'JSONPatch',
        patch: Buffer.from(JSON.stringify(decision.patch)).toString('base64'),
      }
  }
}

const warned = (warnings: readonly string[]): Pick<AdmissionResponse, 'warnings'> =>
  warnings.length > 0 ? { warnings } : {}

/** One line, because kubectl cuts the events of a list at the first newline. The reason has its row in docs/reasons.md. */
export function refusalMessage({ reason, problems }: Extract<Decision, { kind: 'deny' }>): string {
  const texts = problems.map(describeProblem)
  if (texts.length === 1) return `aws-outbound-jwt-injector refused the pod (${reason}): ${texts[0]}`
  const numbered = texts.map((text, index) => `(${index + 1}) ${text}`)
  return `aws-outbound-jwt-injector refused the pod: ${texts.length} problems: ${numbered.join(' ')}`
}

/** SECURITY: the parser's own error is left out; it quotes the body, which is a pod. */
function parseJson(body: string): unknown {
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw new ReviewError('not-json')
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function isCorePod(kind: unknown): boolean {
  return isObject(kind) && kind['group'] === '' && kind['version'] === 'v1' && kind['kind'] === 'Pod'
}

const isName = (value: unknown): value is string => typeof value === 'string' && value.length <= LONGEST_NAME
