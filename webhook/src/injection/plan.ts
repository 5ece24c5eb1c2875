import type { V1EnvVar, V1VolumeMount } from '@kubernetes/client-node'
import { environmentOperations } from './application/environment-edits.ts'
import { planEnvironment } from './application/environment.ts'
import { rejectImpossible, rejectVolumes } from './pod/preconditions.ts'
import type { RawAnnotations } from './annotations/raw-annotations.ts'
import { PREFIX, STATUS } from './annotations/raw-annotations.ts'
import type { JsonPatchOperation } from './patch.ts'
import { appendTo, insertInto, setMetadata } from './patch.ts'
import type { Pod } from './pod/pod.ts'
import type { Refusals } from './outcome.ts'
import { createRefusals, createWarnings } from './outcome.ts'
import type { Additions } from './pod/additions.ts'
import { addMissing, withoutAdditions } from './pod/additions.ts'
import { pointerOf, variablesOf } from './pod/pod.ts'
import type { ForeignCredentials } from './sidecar/foreign-credentials.ts'
import { foreignCredentials, hasCredentials } from './sidecar/foreign-credentials.ts'
import { planChain } from './sidecar/chained-proxy.ts'
import { planResources } from './sidecar/resources.ts'
import { rejectSelection, selectContainers, sidecarIndex } from './pod/selection.ts'
import type { InjectionSettings } from './settings.ts'
import { checkShape } from './pod/pod-schema.ts'
import { buildSidecar } from './sidecar/sidecar.ts'
import type { Policy } from './policy/policy.ts'
import { rejectUngranted } from './policy/reject-ungranted.ts'
import { rejectOversized, rejectOversizedVariables } from './pod/size.ts'
import { rejectUnsteerable, steeringOperations } from './pod/steering.ts'
import { compareInjected, freshWarnings, rejectLostSidecar } from './revisit.ts'
import type { Injected, Status } from './status.ts'
import { INJECTED_LABEL, formatStatus, isLabelled, rejectOtherLabel } from './status.ts'
import type { InjectionIntent, RequestedBy } from './intent.ts'
import { createIntentReader } from './intent.ts'

/** Everything an injection would do, and everything that stands against it. */
export interface InjectionPlan {
  readonly refusals: Refusals
  /** Empty when there is a refusal, and for an injected pod that has everything already. */
  readonly patch: readonly JsonPatchOperation[]
  readonly warnings: readonly string[]
  /** Whether the sidecar would have no AWS credentials, which it needs. */
  readonly lacksRole: boolean
}

export interface Planned {
  readonly pod: Pod
  readonly annotations: RawAnnotations
  readonly mode: RequestedBy
  readonly namespace: string
  /** Of a pod that was injected before: its plan is what it lacks, and what no injection would have given is refused. */
  readonly injected?: Injected | undefined
}

export type Planner = (planned: Planned) => InjectionPlan

/** @returns the policy in force, undefined for none. */
export type CurrentPolicy = () => Policy | undefined

/** Creates the planner. Malformed and impossible are found together, so that an author sees every problem at once. */
export function createPlanner(settings: InjectionSettings, currentPolicy: CurrentPolicy): Planner {
  const readIntent = createIntentReader(settings)
  return ({ pod, annotations, mode, namespace, injected }) => {
    const refusals = createRefusals()
    const { warn, lines } = createWarnings()
    checkShape(pod, refusals.as('invalid-pod'))
    if (rejectOversized(pod, refusals)) return { refusals, patch: [], warnings: [], lacksRole: false }
    const intent = readIntent(annotations, mode, refusals)
    if (!injected && rejectLostSidecar(pod, intent, refusals))
      return { refusals, patch: [], warnings: [], lacksRole: false }
    const { values, volumes, steering } = intent
    intent.warnings.forEach(warn)
    rejectUngranted(currentPolicy(), namespace, intent.asked, refusals)
    const additions: Additions = { volumes, imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })) }
    const { rest, index, given, isInjected, present } = ownParts(pod, injected, additions, intent)
    const foreign = foreignCredentials([...rest.initContainers, ...rest.containers], present)
    const lacksRole = !hasCredentials([...present, ...foreign.env.map(({ name }) => name)])
    const selectable = { pod: rest, sidecar: index, knownSidecars: settings.knownSidecars }
    const containers = selectContainers(selectable, values)
    const chain = planChain({ containers, sidecar: injected?.container }, intent, refusals)
    const contents = withOthers(intent, foreign, chain)
    const repair = injected && compareInjected(pod, injected, { contents, additions }, settings, refusals)
    rejectOtherLabel(pod, refusals)
    rejectImpossible(rest, { values, steering }, refusals, warn)
    if (steering) rejectUnsteerable(pod, steering, isInjected, refusals)
    rejectVolumes(rest, volumes, given, refusals)
    rejectSelection(selectable, values, containers, refusals)
    const environment = planEnvironment(containers, intent.environment, { refusals, warn, isInjected })
    rejectOversizedVariables(environment, refusals)
    const sidecar = repair ?? addSidecar(pod, index, contents, settings, refusals)
    if (refusals.problems.length > 0) return { refusals, patch: [], warnings: lines(), lacksRole }
    const warnings = injected ? freshWarnings(injected.status, lines()) : lines()
    const patch = [
      // Indexes of init containers hold until the sidecar goes in.
      ...environment.flatMap(({ container, edits, mounts }) => [
        ...environmentOperations(container, edits),
        ...appendTo(container.raw, pointerOf(container), 'volumeMounts', mounts),
      ]),
      ...sidecar,
      ...addMissing(pod, additions),
      ...(steering ? steeringOperations(pod, steering) : []),
      ...marks(pod, injected, { version: settings.version, inputs: intent.inputs, warnings }),
    ]
    return { refusals, patch, warnings, lacksRole }
  }
}

interface OwnParts {
  /** The pod without what an injection gave it. */
  readonly rest: Pod
  /** Where the sidecar is among the init containers, or goes. */
  readonly index: number
  /** Mounts of shared volumes that applications may have. */
  readonly given: readonly V1VolumeMount[]
  readonly isInjected: boolean
  /** Names of the variables that the sidecar has or gets from the annotations. */
  readonly present: readonly string[]
}

function ownParts(
  pod: Pod,
  injected: Injected | undefined,
  additions: Additions,
  { environment, variables }: InjectionIntent,
): OwnParts {
  const own = variables.map(({ name }) => name)
  if (!injected) return { rest: pod, index: sidecarIndex(pod), given: [], isInjected: false, present: own }
  const { container } = injected
  const rest = withoutAdditions(pod, container, additions)
  const present = [...own, ...variablesOf(container).map(({ name }) => name)]
  return { rest, index: container.index, given: environment.mounts, isInjected: true, present }
}

/** What the sidecar gets because of what the other containers have. */
const withOthers = (
  intent: InjectionIntent,
  { env, mounts }: ForeignCredentials,
  chain: readonly V1EnvVar[],
): InjectionIntent => ({
  ...intent,
  variables: [...intent.variables, ...env, ...chain],
  mounts: [...intent.mounts, ...mounts],
})

function addSidecar(
  pod: Pod,
  index: number,
  intent: InjectionIntent,
  settings: InjectionSettings,
  refusals: Refusals,
): readonly JsonPatchOperation[] {
  const resources = planResources(pod, intent.values, settings.resources, refusals)
  return insertInto(pod.spec, '/spec', 'initContainers', { index, values: [buildSidecar(intent, resources, settings)] })
}

/** What says on the pod that it is injected. A status once written changes only to tell more warnings. */
function marks(pod: Pod, injected: Injected | undefined, current: Status): readonly JsonPatchOperation[] {
  const labels = isLabelled(pod) ? undefined : { [INJECTED_LABEL]: 'true' }
  const status = statusOf(injected, current)
  const annotations = status && { [PREFIX + STATUS]: formatStatus(status) }
  return setMetadata(pod.raw, { ...(labels && { labels }), ...(annotations && { annotations }) })
}

/** @returns the status to write, if any. */
function statusOf(injected: Injected | undefined, current: Status): Status | undefined {
  if (!injected) return current
  if (current.warnings.length === 0) return undefined
  return { ...injected.status, warnings: [...injected.status.warnings, ...current.warnings] }
}
