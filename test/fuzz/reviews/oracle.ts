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
}

const NOTHING = { mayPatch: false, mayRefuse: false } as const

/** @param body as bytes, one character each. */
export function expectationOf(path: string, body: string): Expectation {
  if (body.length > LARGEST || marksOf(body) > MOST_VALUES) return { status: 413, ...NOTHING }
  const review = parse(body)
  const uid = at(review, 'request', 'uid')
  const isReview = at(review, 'apiVersion') === 'admission.k8s.io/v1' && at(review, 'kind') === 'AdmissionReview'
  const given = ['namespace', 'operation'].map((key) => at(review, 'request', key)).filter((name) => name !== undefined)
  const areNames = [uid, ...given].every((name) => typeof name === 'string' && name.length <= LONGEST_NAME)
  if (!isReview || typeof uid !== 'string' || uid === '' || !areNames) return { status: 400, ...NOTHING }
  const pod = at(review, 'request', 'object')
  return { status: 200, uid, pod, ...wishOf(pod, path, at(review, 'request', 'operation')) }
}

function wishOf(pod: unknown, path: string, operation: unknown): Pick<Expectation, 'mayPatch' | 'mayRefuse'> {
  const annotations = object(at(pod, 'metadata', 'annotations'))
  const inject = Object.hasOwn(annotations, `${PREFIX}inject`) ? annotations[`${PREFIX}inject`] : undefined
  const isLeftAlone =
    inject === 'false' || inject === 'disabled' || Object.hasOwn(annotations, 'kubernetes.io/config.mirror')
  if (operation !== 'CREATE' || isLeftAlone) return NOTHING
  const isNamespace = path.startsWith('/mutate/namespace')
  return {
    mayPatch: isNamespace || inject === 'true' || inject === 'enabled' || isOurs(pod, annotations),
    mayRefuse: Object.keys(annotations).some((key) => key.startsWith(PREFIX)),
  }
}

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
