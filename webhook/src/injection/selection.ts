import type { AnnotationValues } from './annotations.ts'
import { PREFIX } from './keys.ts'
import { MESH_PROXIES } from './known-sidecars.ts'
import type { Container, Pod } from './pod.ts'
import { isNative } from './pod.ts'
import type { Refusals } from './refusals.ts'

/** @returns the index among the init containers at which the sidecar goes: first, or right after a native mesh proxy. */
export function sidecarIndex({ initContainers }: Pod): number {
  return initContainers.findLastIndex((container) => isNative(container) && MESH_PROXIES.has(container.name)) + 1
}

/** @returns the containers that get the variables. */
export function selectContainers(
  pod: Pod,
  values: AnnotationValues,
  knownSidecars: readonly string[],
  refusals: Refusals,
): readonly Container[] {
  const later = [...pod.initContainers.slice(sidecarIndex(pod)), ...pod.containers]
  const named = values.containers && new Set(values.containers)
  const skipped = new Set(values['skip-containers'])
  rejectMissing(named ?? [], later, `${PREFIX}containers`, refusals)
  rejectMissing(skipped, [...pod.initContainers, ...pod.containers], `${PREFIX}skip-containers`, refusals)
  const selected = later.filter(({ name }) => (named?.has(name) ?? !knownSidecars.includes(name)) && !skipped.has(name))
  if (selected.length === 0 && refusals.problems.length === 0) rejectEmpty(pod, values, refusals)
  return selected
}

function rejectMissing(
  names: Iterable<string>,
  containers: readonly Container[],
  where: string,
  { report }: Refusals,
): void {
  const known = new Set(containers.map(({ name }) => name))
  for (const name of names) {
    if (!known.has(name))
      report('unknown-container', {
        where,
        value: name,
        allowed: `a container of the pod that starts after the sidecar: ${[...known].slice(0, 20).join(', ')}`,
      })
  }
}

function rejectEmpty(pod: Pod, values: AnnotationValues, { report }: Refusals): void {
  const name = values['skip-containers'] ? 'skip-containers' : 'containers'
  report('no-container', {
    where: PREFIX + name,
    value: values[name]?.join(',') ?? '',
    allowed: `at least one container that gets the variables, of ${pod.containers.map((container) => container.name).join(', ')}`,
  })
}
