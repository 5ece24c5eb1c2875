import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import type { RequestedBy } from './intent.ts'
import type { JsonPatchOperation } from './patch.ts'
import { textAt } from './pod/json.ts'
import { PREFIX, readRawAnnotations } from './annotations/raw-annotations.ts'
import type { CurrentPolicy, Planned, Planner } from './plan.ts'
import { createPlanner } from './plan.ts'
import type { Pod } from './pod/pod.ts'
import { readPod } from './pod/pod.ts'
import type { Reason, RefusalReason } from './outcome.ts'
import { REASONS, warningLine } from './outcome.ts'
import type { InjectionSettings } from './settings.ts'
import { findInjected, hashInputs } from './status.ts'
import type { Injected } from './status.ts'

export interface InjectionRequest {
  /** The pod as JSON gives it; never changed. */
  readonly pod: unknown
  /** Who asked: an annotation of the pod, or the label of its namespace. */
  readonly mode: RequestedBy
  /** Of the admission request, for example CREATE. */
  readonly operation: string
  /** Of the pod. SECURITY: without one, a policy grants only what it grants everywhere. */
  readonly namespace?: string
}

export type Decision =
  | {
      readonly kind: 'inject' | 'repair'
      readonly reason: Reason
      readonly patch: readonly JsonPatchOperation[]
      /** Each one line of ASCII, at most 256 bytes. */
      readonly warnings: readonly string[]
    }
  | { readonly kind: 'allow'; readonly reason: Reason; readonly warnings: readonly string[] }
  | { readonly kind: 'deny'; readonly reason: RefusalReason; readonly problems: readonly Problem[] }

export type Injector = (request: InjectionRequest) => Decision

/** Static pods mirrored by the kubelet carry it. */
const MIRROR = 'kubernetes.io/config.mirror'

/**
 * Creates the decision: data in, data out, the same bytes for the same pod. Never throws, whatever the pod is.
 * @param policy the one in force now; none: IAM alone decides what a pod may have.
 */
export function createInjector(settings: InjectionSettings, policy: CurrentPolicy = () => undefined): Injector {
  const plan = createPlanner(settings, policy)
  return ({ pod: raw, mode, operation, namespace = '' }) => {
    const pod = readPod(raw)
    const annotations = readRawAnnotations(pod.annotations)
    if (operation !== 'CREATE') return allow('not-created')
    if (Object.hasOwn(pod.annotations, MIRROR)) return allow('mirror-pod')
    if (isOptedOut(pod)) return allow('opted-out')
    const injected = findInjected(pod)
    const planned = { pod, annotations, mode, namespace }
    if (injected) return revisit({ ...planned, injected }, plan)
    if (annotations.size === 0 && mode === 'pod') return allow('not-requested')
    return decideInjection(planned, plan, settings)
  }
}

function decideInjection(planned: Planned, plan: Planner, { waitsForRole }: InjectionSettings): Decision {
  const { annotations } = planned
  const { refusals, patch, warnings, lacksRole } = plan(planned)
  const reason = refusals.reason()
  // A namespace asks for all its pods, also for those that have nothing to do with AWS. EKS's hook mostly comes after us, and we are
  // called again then: no warning here, the API server warns of what stays without a sidecar (guard-namespace-label.yaml).
  if (reason === undefined && lacksRole && waitsForRole && annotations.size === 0) return allow('no-role')
  if (reason === undefined) return { kind: 'inject', reason: 'injected', patch, warnings }
  if (annotations.size > 0) return { kind: 'deny', reason, problems: refusals.problems }
  // Nobody asked for this pod in particular, so it must not be hurt by what its namespace asked for.
  return { kind: 'allow', reason, warnings: [warningLine(`not injected: ${REASONS[reason]}`)] }
}

/**
 * A pod that we injected before: in an earlier round of this admission, or offline.
 * SECURITY: its status can be copied and what it carries can be changed, so nothing of it is believed.
 */
function revisit(planned: Planned & { readonly injected: Injected }, plan: Planner): Decision {
  const { annotations, mode, injected } = planned
  const { inputs } = injected.status
  const expected = hashInputs(annotations)
  const isAnswered = annotations.size > 0 || mode === 'namespace'
  if (inputs !== expected || !isAnswered) {
    const allowed = isAnswered
      ? `inputs ${expected}, those of the annotations`
      : 'an annotation under outbound-jwt.io/ that asks for it'
    const problem = { where: `${PREFIX}status`, value: inputs, allowed: `${allowed}; ${FIRST_MANIFEST}` }
    return { kind: 'deny', reason: 'stale-injection', problems: [problem] }
  }
  const { refusals, patch, warnings } = plan(planned)
  const reason = refusals.reason()
  if (reason !== undefined) return { kind: 'deny', reason, problems: refusals.problems }
  return patch.length === 0 ? allow('unchanged') : { kind: 'repair', reason: 'repaired', patch, warnings }
}

const FIRST_MANIFEST = 'take the manifest from before the injection'

function isOptedOut({ annotations }: Pod): boolean {
  const value = textAt(annotations, `${PREFIX}inject`)
  return value === 'false' || value === 'disabled'
}

const allow = (reason: Reason): Decision => ({ kind: 'allow', reason, warnings: [] })
