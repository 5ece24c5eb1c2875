import type { V1LocalObjectReference } from '@kubernetes/client-node'
import { environmentOperations } from './application/environment-edits.ts'
import { planEnvironment } from './application/environment.ts'
import { rejectImpossible, rejectVolumes } from './pod/preconditions.ts'
import { objectsAt, textAt } from './pod/json.ts'
import type { RawAnnotations } from './annotations/raw-annotations.ts'
import { PREFIX, STATUS } from './annotations/raw-annotations.ts'
import type { JsonPatchOperation } from './patch.ts'
import { appendTo, insertInto, setAnnotation } from './patch.ts'
import type { Pod } from './pod/pod.ts'
import type { Refusals } from './outcome.ts'
import { createRefusals, createWarnings } from './outcome.ts'
import { pointerOf } from './pod/pod.ts'
import { planResources } from './sidecar/resources.ts'
import { selectContainers, sidecarIndex } from './pod/selection.ts'
import type { InjectionSettings } from './settings.ts'
import { checkShape } from './pod/pod-schema.ts'
import { buildSidecar } from './sidecar/sidecar.ts'
import { rejectOversized, rejectOversizedVariables } from './pod/size.ts'
import { rejectUnsteerable, steeringOperations } from './pod/steering.ts'
import { formatStatus } from './status.ts'
import { createIntentReader } from './intent.ts'
import type { RequestedBy } from './intent.ts'

/** Everything an injection would do, and everything that stands against it. */
export interface InjectionPlan {
  readonly refusals: Refusals
  /** Empty when there is a refusal. */
  readonly patch: readonly JsonPatchOperation[]
  readonly warnings: readonly string[]
}

export type Planner = (pod: Pod, annotations: RawAnnotations, mode: RequestedBy) => InjectionPlan

/** Creates the planner. Malformed and impossible are found together, so that an author sees every problem at once. */
export function createPlanner(settings: InjectionSettings): Planner {
  const readIntent = createIntentReader(settings)
  return (pod, annotations, mode) => {
    const refusals = createRefusals()
    const { warn, lines } = createWarnings()
    checkShape(pod, refusals.as('invalid-pod'))
    if (rejectOversized(pod, refusals)) return { refusals, patch: [], warnings: [] }
    const intent = readIntent(annotations, mode, refusals)
    const { values, volumes, steering } = intent
    intent.warnings.forEach(warn)
    rejectImpossible(pod, { values, steering }, refusals, warn)
    if (steering) rejectUnsteerable(pod, steering, refusals)
    rejectVolumes(pod, volumes, refusals)
    const containers = selectContainers(pod, values, settings.knownSidecars, refusals)
    const environment = planEnvironment(containers, intent.environment, { refusals, warn })
    rejectOversizedVariables(environment, refusals)
    const resources = planResources(pod, values, settings.resources, refusals)
    if (refusals.problems.length > 0) return { refusals, patch: [], warnings: lines() }
    const sidecar = buildSidecar(intent, resources, settings)
    const secrets = missingPullSecrets(pod, settings.imagePullSecrets)
    const warnings = lines()
    const patch = [
      // Indexes of init containers hold until the sidecar goes in.
      ...environment.flatMap(({ container, edits, mounts }) => [
        ...environmentOperations(container, edits),
        ...appendTo(container.raw, pointerOf(container), 'volumeMounts', mounts),
      ]),
      ...insertInto(pod.spec, '/spec', 'initContainers', { index: sidecarIndex(pod), values: [sidecar] }),
      ...appendTo(pod.spec, '/spec', 'volumes', volumes),
      ...(steering ? steeringOperations(pod, steering) : []),
      ...appendTo(pod.spec, '/spec', 'imagePullSecrets', secrets),
      setAnnotation(pod.raw, PREFIX + STATUS, formatStatus(settings.version, intent.inputs, warnings)),
    ]
    return { refusals, patch, warnings }
  }
}

function missingPullSecrets(pod: Pod, wanted: readonly string[]): readonly V1LocalObjectReference[] {
  const present = new Set(objectsAt(pod.spec, 'imagePullSecrets').map((secret) => textAt(secret, 'name')))
  return wanted.filter((name) => !present.has(name)).map((name) => ({ name }))
}
