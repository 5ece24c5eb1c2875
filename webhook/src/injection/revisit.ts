import { PROXY_CONTAINER, VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'
import type { InjectionIntent } from './intent.ts'
import type { Refusals } from './outcome.ts'
import { MOST_WARNINGS } from './outcome.ts'
import type { JsonPatchOperation } from './patch.ts'
import type { Additions } from './pod/additions.ts'
import { rejectChanged } from './pod/additions.ts'
import { objectsAt, textAt } from './pod/json.ts'
import type { Pod } from './pod/pod.ts'
import { variablesOf } from './pod/pod.ts'
import type { InjectionSettings } from './settings.ts'
import { compareSidecar } from './sidecar/comparison.ts'
import { AWS_VARIABLES } from './sidecar/sidecar-variables.ts'
import { buildSidecar } from './sidecar/sidecar.ts'
import type { Injected, Status } from './status.ts'
import { readStatus } from './status.ts'

const EGRESS_VARIABLES = [VARIABLES.egressProxy, VARIABLES.egressNoProxy, VARIABLES.egressCredentialsFile]

interface Given {
  readonly contents: InjectionIntent
  readonly additions: Additions
}

/**
 * Compares the sidecar and the volumes of an injected pod with what an injection gives.
 * @returns what puts back what is missing.
 */
export function compareInjected(
  pod: Pod,
  { container }: Injected,
  { contents, additions }: Given,
  settings: InjectionSettings,
  refusals: Refusals,
): readonly JsonPatchOperation[] {
  rejectChanged(pod, additions, refusals)
  const sidecar = buildSidecar(contents, undefined, settings)
  const operatorVariables = new Set<string>([
    ...Object.keys(settings.extraEnv),
    AWS_VARIABLES.region,
    ...(settings.egressProxy === null ? [] : EGRESS_VARIABLES),
    // What it lacks is added; what it has already is part of it.
    ...(contents.values['env-policy'] === 'chain' ? [VARIABLES.egressNoProxy] : []),
  ])
  return compareSidecar(container, { sidecar, operatorVariables }, refusals)
}

/** @returns the warnings that the pod was not injected with. A status that is full may lack some that were there. */
export function freshWarnings({ warnings: told }: Status, warnings: readonly string[]): readonly string[] {
  return told.length < MOST_WARNINGS ? warnings.filter((warning) => !told.includes(warning)) : []
}

/** Refuses the rest of an injected pod: status, variables and volumes are there, and the sidecar is gone. @returns whether it was refused. */
export function rejectLostSidecar(pod: Pod, { environment, volumes }: InjectionIntent, { report }: Refusals): boolean {
  if (!readStatus(pod) || pod.initContainers.some(({ name }) => name === PROXY_CONTAINER)) return false
  const names = new Set(volumes.map(({ name }) => name))
  const isLost =
    objectsAt(pod.spec, 'volumes').some((volume) => names.has(textAt(volume, 'name') ?? '')) ||
    pod.containers.some((container) => variablesOf(container).some(({ value }) => value === environment.proxyUrl))
  if (isLost)
    report('lost-sidecar', {
      where: 'spec.initContainers',
      value: `no ${PROXY_CONTAINER}`,
      allowed:
        'the sidecar that the rest of this pod was injected with. Copied by kubectl debug --copy-to? ' +
        'Add --keep-init-containers=true --keep-startup=true for a copy with tokens, or leave out --keep-annotations for one without',
    })
  return isLost
}
