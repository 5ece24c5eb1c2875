import { hash } from 'node:crypto'
import { PROXY_CONTAINER, show } from '@aws-outbound-jwt-injector/proxy/contract'
import { isObject, listAt, member, objectAt, textAt } from './pod/json.ts'
import type { RawAnnotations } from './annotations/raw-annotations.ts'
import { PREFIX, STATUS } from './annotations/raw-annotations.ts'
import type { Refusals } from './outcome.ts'
import type { Container, Pod } from './pod/pod.ts'

/** Enough to notice a change; nothing is protected by it. */
const HASH_DIGITS = 16

/** @returns a hash of the annotations a pod was injected from, whatever their order. The same in every version: pods outlive versions. */
export function hashInputs(annotations: RawAnnotations): string {
  const entries = [...annotations]
    .map(([name, text]) => [name, show(text)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return hash('sha256', JSON.stringify(entries), 'hex').slice(0, HASH_DIGITS)
}

/** What we leave on a pod we injected. */
export function formatStatus({ version, inputs, warnings }: Status): string {
  return JSON.stringify({ version, inputs, warnings })
}

/** Label of injected pods, by which people and monitors find them. Nothing is decided by it: whoever may create pods may write it. */
export const INJECTED_LABEL = `${PREFIX}injected`

const labelOf = ({ raw }: Pod): unknown => member(objectAt(objectAt(raw, 'metadata'), 'labels'), INJECTED_LABEL)

/** @returns whether the pod has the label of injected pods. */
export const isLabelled = (pod: Pod): boolean => labelOf(pod) === 'true'

/** Refuses another value: a controller that selects its pods by it would not know the pod again, and make one after the other. */
export function rejectOtherLabel(pod: Pod, { report }: Refusals): void {
  const value = labelOf(pod) ?? undefined
  if (value !== undefined && value !== 'true')
    report('invalid-annotation', {
      where: `metadata.labels[${INJECTED_LABEL}]`,
      value: show(value),
      allowed: 'no such label: the webhook writes it on every pod that it injects',
    })
}

/** What a status of ours says. */
export interface Status {
  readonly version: string
  /** Hash of the annotations the pod was injected from. */
  readonly inputs: string
  readonly warnings: readonly string[]
}

/** A pod that we injected before: in an earlier round of this admission, or offline. */
export interface Injected {
  readonly container: Container
  readonly status: Status
}

/** @returns our sidecar: our name among the init containers beside a status of ours. */
export function findInjected(pod: Pod): Injected | undefined {
  const container = pod.initContainers.find(({ name }) => name === PROXY_CONTAINER)
  const status = readStatus(pod)
  return container && status && { container, status }
}

/** Longer than any status of ours; parsing more would be somebody else's choice. */
const LONGEST_STATUS = 16 * 1024

/** @returns the status of a pod, undefined when there is none that can be read. */
export function readStatus({ annotations }: Pod): Status | undefined {
  const text = textAt(annotations, PREFIX + STATUS)
  if (text === undefined || text.length > LONGEST_STATUS) return undefined
  try {
    const status: unknown = JSON.parse(text)
    const inputs = isObject(status) ? textAt(status, 'inputs') : undefined
    if (!isObject(status) || inputs === undefined) return undefined
    const warnings = (listAt(status, 'warnings') ?? []).filter((warning) => typeof warning === 'string')
    return { version: textAt(status, 'version') ?? '', inputs, warnings }
  } catch {
    return undefined
  }
}
