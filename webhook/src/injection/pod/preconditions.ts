import { CONTROL_PORT, PROXY_CONTAINER } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from '../annotations/annotations.ts'
import { isSame } from './additions.ts'
import type { JsonObject } from './json.ts'
import { listAt, member, objectAt, objectsAt, textAt } from './json.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Steering } from '../annotations/steering.ts'
import type { Container, Pod } from './pod.ts'
import { placeOf } from './pod.ts'
import type { Refusals, Warn } from '../outcome.ts'

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os']

/** What the annotations of a pod ask for. */
interface Asked {
  readonly values: AnnotationValues
  readonly steering: Steering | undefined
}

/** Refuses pods in which the sidecar could not run or would hurt others. */
export function rejectImpossible(pod: Pod, asked: Asked, refusals: Refusals, warn: Warn): void {
  const { spec } = pod
  if (member(spec, 'hostNetwork') === true)
    refusals.report('host-network', {
      where: 'spec.hostNetwork',
      value: 'true',
      allowed: 'false: a pod network of its own',
    })
  if (member(spec, 'shareProcessNamespace') === true)
    warn('spec.shareProcessNamespace lets other containers read the memory and files of the sidecar')
  if (member(spec, 'hostPID') === true)
    warn('spec.hostPID lets this pod and others see the processes of the node, and those of the sidecar')
  rejectWindows(spec, refusals, warn)
  rejectOwnNames(pod, refusals)
  rejectPorts([...pod.initContainers, ...pod.containers], asked, refusals)
}

function rejectWindows(spec: JsonObject, { report }: Refusals, warn: Warn): void {
  if (textAt(objectAt(spec, 'os'), 'name') === 'windows')
    report('windows', { where: 'spec.os.name', value: 'windows', allowed: 'linux' })
  const selector = objectAt(spec, 'nodeSelector')
  for (const label of OS_LABELS.filter((name) => textAt(selector, name) === 'windows'))
    report('windows', { where: `spec.nodeSelector[${label}]`, value: 'windows', allowed: 'linux' })
  const required = objectAt(
    objectAt(objectAt(spec, 'affinity'), 'nodeAffinity'),
    'requiredDuringSchedulingIgnoredDuringExecution',
  )
  const mentions = objectsAt(required, 'nodeSelectorTerms')
    .flatMap((term) => objectsAt(term, 'matchExpressions'))
    .some(
      (expression) =>
        OS_LABELS.some((label) => label === textAt(expression, 'key')) &&
        textAt(expression, 'operator') === 'In' &&
        listAt(expression, 'values')?.includes('windows'),
    )
  if (mentions) warn('spec.affinity allows Windows nodes: the sidecar runs on Linux only')
}

function rejectOwnNames(pod: Pod, { report }: Refusals): void {
  for (const container of [...pod.initContainers, ...pod.containers].filter(({ name }) => name === PROXY_CONTAINER))
    report('name-conflict', {
      where: placeOf(container),
      value: PROXY_CONTAINER,
      allowed: 'another name; this one is reserved for the container that injection adds',
    })
}

/**
 * Refuses volumes of the pod that have a name we need. SECURITY: and mounts of them, which would hand the sidecar's token to applications.
 * @param given mounts that applications have from an earlier injection.
 */
export function rejectVolumes(
  pod: Pod,
  ours: readonly { readonly name: string }[],
  given: readonly object[],
  { report }: Refusals,
): void {
  const names = new Set(ours.map(({ name }) => name))
  for (const name of objectsAt(pod.spec, 'volumes').map((volume) => textAt(volume, 'name') ?? '')) {
    if (names.has(name))
      report('name-conflict', {
        where: `spec.volumes[${name}]`,
        value: name,
        allowed: 'another name; this one is reserved for the volume that injection adds',
      })
  }
  for (const container of [...pod.initContainers, ...pod.containers]) {
    for (const mount of objectsAt(container.raw, 'volumeMounts')) {
      const name = textAt(mount, 'name') ?? ''
      if (names.has(name) && !given.some((other) => isSame(mount, other)))
        report('name-conflict', {
          where: `${placeOf(container)}.volumeMounts[${name}]`,
          value: name,
          allowed: 'a volume of the pod; this one is reserved for the sidecar',
        })
    }
  }
}

/** The proxy listens on loopback, but a container that listens on every address still takes the port. UDP does not clash. */
function rejectPorts(containers: readonly Container[], { values, steering }: Asked, { report }: Refusals): void {
  const ours = new Map<number, string>([[CONTROL_PORT, `another port; ${CONTROL_PORT} is the sidecar's control port`]])
  for (const [name, port] of [
    ['proxy-port', values['proxy-port']],
    ['admin-port', values['admin-port']],
  ] as const) {
    if (ours.has(port))
      report('invalid-annotation', {
        where: PREFIX + name,
        value: String(port),
        allowed: 'a port that no other listener of the sidecar has',
      })
    ours.set(port, `another port, or another ${PREFIX}${name}`)
  }
  for (const port of steering?.ports ?? [])
    ours.set(port, `another port, or ${PREFIX}steering set to proxy; the sidecar takes calls of partners on ${port}`)
  for (const container of containers) {
    for (const port of objectsAt(container.raw, 'ports')) {
      const number = member(port, 'containerPort')
      const allowed = typeof number === 'number' ? ours.get(number) : undefined
      if (allowed !== undefined && (textAt(port, 'protocol') ?? 'TCP') === 'TCP')
        report('port-conflict', { where: `${placeOf(container)}.ports`, value: String(number), allowed })
    }
  }
}
