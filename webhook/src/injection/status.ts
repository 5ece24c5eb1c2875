import { hash } from 'node:crypto'
import { PROXY_CONTAINER, show } from '@aws-outbound-jwt-injector/proxy/contract'
import { isObject, textAt } from './pod/json.ts'
import type { RawAnnotations } from './annotations/raw-annotations.ts'
import { PREFIX, STATUS } from './annotations/raw-annotations.ts'
import type { Container, Pod } from './pod/pod.ts'

/** Enough to notice a change; nothing is protected by it. */
const HASH_DIGITS = 16

/** @returns a hash of the annotations a pod was injected from, whatever their order. */
export function hashInputs(annotations: RawAnnotations): string {
  const entries = [...annotations]
    .map(([name, text]) => [name, show(text)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  return hash('sha256', JSON.stringify(entries), 'hex').slice(0, HASH_DIGITS)
}

/** What we leave on a pod we injected. */
export function formatStatus(version: string, inputs: string, warnings: readonly string[]): string {
  return JSON.stringify({ version, inputs, warnings })
}

export interface Injected {
  readonly container: Container
  /** Hash of the annotations it was made from. */
  readonly inputs: string
}

/** @returns our sidecar: our name among the init containers beside a status of ours. */
export function findInjected({ initContainers, annotations }: Pod): Injected | undefined {
  const container = initContainers.find(({ name }) => name === PROXY_CONTAINER)
  const inputs = readInputs(textAt(annotations, PREFIX + STATUS))
  return container && inputs !== undefined ? { container, inputs } : undefined
}

/** Longer than any status of ours; parsing more would be somebody else's choice. */
const LONGEST_STATUS = 16 * 1024

function readInputs(text: string | undefined): string | undefined {
  if (text === undefined || text.length > LONGEST_STATUS) return undefined
  try {
    const status: unknown = JSON.parse(text)
    return isObject(status) ? textAt(status, 'inputs') : undefined
  } catch {
    return undefined
  }
}
