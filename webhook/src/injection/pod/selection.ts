import type { AnnotationName, AnnotationValues } from '../annotations/annotations.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import { MESH_PROXIES } from '../sidecar/known-sidecars.ts'
import type { Container, Pod } from './pod.ts'
import { isNative } from './pod.ts'
import type { Refusals } from '../outcome.ts'

/** @returns the index among the init containers at which the sidecar goes: first, or right after a native mesh proxy. */
export function sidecarIndex({ initContainers }: Pod): number {
  return initContainers.findLastIndex((container) => isNative(container) && MESH_PROXIES.has(container.name)) + 1
}

interface Selectable {
  /** Without the sidecar. */
  readonly pod: Pod
  /** Where the sidecar is among the init containers, or goes. */
  readonly sidecar: number
  readonly knownSidecars: readonly string[]
}

/** @returns the containers that get the variables. */
export function selectContainers(selectable: Selectable, values: AnnotationValues): readonly Container[] {
  const named = values.containers && new Set(values.containers)
  const skipped = new Set(values['skip-containers'])
  return startedLater(selectable).filter(
    ({ name }) => (named?.has(name) ?? !selectable.knownSidecars.includes(name)) && !skipped.has(name),
  )
}

const startedLater = ({ pod, sidecar }: Selectable): readonly Container[] => [
  ...pod.initContainers.filter(({ index }) => index >= sidecar),
  ...pod.containers,
]

/** Refuses names that are not those of a container, and a selection that leaves none. */
export function rejectSelection(
  selectable: Selectable,
  values: AnnotationValues,
  selected: readonly Container[],
  refusals: Refusals,
): void {
  const { pod } = selectable
  const later = startedLater(selectable)
  const missing =
    rejectMissing(
      new Set(values.containers),
      later,
      { annotation: 'containers', which: 'that starts after the sidecar' },
      refusals,
    ) +
    rejectMissing(
      new Set(values['skip-containers']),
      [...pod.initContainers, ...pod.containers],
      { annotation: 'skip-containers', which: '' },
      refusals,
    )
  if (selected.length === 0 && missing === 0 && pod.containers.length > 0) rejectEmpty(pod, values, refusals)
}

/** @returns how many names are not those of a container. */
function rejectMissing(
  names: Iterable<string>,
  containers: readonly Container[],
  { annotation, which }: { readonly annotation: AnnotationName; readonly which: string },
  { report }: Refusals,
): number {
  const known = new Set(containers.map(({ name }) => name))
  const missing = [...names].filter((name) => !known.has(name))
  const allowed = `${['a container of the pod', which].filter(Boolean).join(' ')}: ${[...known].slice(0, 20).join(', ')}`
  for (const name of missing) report('unknown-container', { where: PREFIX + annotation, value: name, allowed })
  return missing.length
}

function rejectEmpty(pod: Pod, values: AnnotationValues, { report }: Refusals): void {
  const name = values['skip-containers'] ? 'skip-containers' : 'containers'
  report('no-container', {
    where: PREFIX + name,
    value: values[name]?.join(',') ?? '',
    allowed: `at least one container that gets the variables, of ${pod.containers.map((container) => container.name).join(', ')}`,
  })
}
