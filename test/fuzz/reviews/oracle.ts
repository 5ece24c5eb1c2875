// What a review may be answered, read from its bytes without any code of the webhook.
import { at, list, nameOf, object } from '../../support/injection/object.ts'

const PREFIX = 'outbound-jwt.io/'
const LARGEST = 8 * 1024 * 1024
const MOST_VALUES = 200_000
const LONGEST_NAME = 128

export interface Expectation {
  readonly status: number
  /** Of the request, when the status is 200. */
  readonly uid?: string
  readonly pod?: unknown
  /** Whether a patch is allowed to come. */
  readonly mayPatch: boolean
  /** Whether a refusal is allowed to come. */
  readonly mayRefuse: boolean
  /** Whether a warning is allowed to come. */
  readonly mayWarn: boolean
}

const NOTHING = { mayPatch: false, mayRefuse: false, mayWarn: false } as const

/** Whether only warnings come, for what makes pods. */
export const isOfWarnings = (path: string): boolean => path.startsWith('/warn')

/** @param body as bytes, one character each. */
export function expectationOf(path: string, body: string): Expectation {
  if (body.length > LARGEST || marksOf(body) > MOST_VALUES) return { status: 413, ...NOTHING }
  const review = parse(body)
  const uid = at(review, 'request', 'uid')
  const isReview = at(review, 'apiVersion') === 'admission.k8s.io/v1' && at(review, 'kind') === 'AdmissionReview'
  const given = ['namespace', 'operation'].map((key) => at(review, 'request', key)).filter((name) => name !== undefined)
  const areNames = [uid, ...given].every((name) => typeof name === 'string' && name.length <= LONGEST_NAME)
  if (!isReview || typeof uid !== 'string' || uid === '' || !areNames) return { status: 400, ...NOTHING }
  const submitted = at(review, 'request', 'object')
  const operation = at(review, 'request', 'operation')
  if (operation === 'CREATE' && !isObject(submitted)) return { status: 400, ...NOTHING }
  if (isOfWarnings(path)) return { status: 200, uid, ...NOTHING, mayWarn: isForUs(submitted, path) }
  return { status: 200, uid, pod: submitted, ...wishOf(submitted, path, operation) }
}

function wishOf(pod: unknown, path: string, operation: unknown): Omit<Expectation, 'status'> {
  const annotations = object(at(pod, 'metadata', 'annotations'))
  const inject = Object.hasOwn(annotations, `${PREFIX}inject`) ? annotations[`${PREFIX}inject`] : undefined
  const isLeftAlone =
    inject === 'false' || inject === 'disabled' || Object.hasOwn(annotations, 'kubernetes.io/config.mirror')
  if (operation !== 'CREATE' || isLeftAlone) return NOTHING
  const isNamespace = path.startsWith('/mutate/namespace')
  return {
    mayPatch: isNamespace || inject === 'true' || inject === 'enabled' || isOurs(pod, annotations),
    mayRefuse: Object.keys(annotations).some((key) => key.startsWith(PREFIX)),
    mayWarn: true,
  }
}

/** Whether a workload has a key of ours anywhere, or its namespace asks. */
const isForUs = (workload: unknown, path: string): boolean =>
  path.startsWith('/warn/namespace') || JSON.stringify([workload]).includes(PREFIX)

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Carries our status and our sidecar, which another injector may have damaged. */
function isOurs(pod: unknown, annotations: Readonly<Record<string, unknown>>): boolean {
  return (
    Object.hasOwn(annotations, `${PREFIX}status`) &&
    list(at(pod, 'spec', 'initContainers')).some((container) => nameOf(container) === 'aws-outbound-jwt-proxy')
  )
}

/** Commas and opening brackets, without what strings hold. */
function marksOf(body: string): number {
  return body.replace(/"(?:[^"\\]|\\[^])*(?:"|\\?$)/g, '').match(/[,[{]/g)?.length ?? 0
}

function parse(body: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(Buffer.from(body, 'latin1'))) as unknown
  } catch {
    return undefined
  }
}
