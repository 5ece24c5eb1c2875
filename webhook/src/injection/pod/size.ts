import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import { PREFIX } from '../annotations/raw-annotations.ts'
import { NO_PROXY_NAMES } from '../application/no-proxy.ts'
import type { Pod, Variable } from './pod.ts'
import type { Refusals } from '../outcome.ts'

// SECURITY: the API server asks before it looks at sizes itself. A pod that costs minutes or gigabytes here would keep everybody else's waiting.

/** Far more than any pod has: a kubelet runs 110 pods. */
const MOST_CONTAINERS = 250
/** RFC 1123 label: what the API server takes for the name of a container. */
const LONGEST_NAME = 63
/** An API server stores 1.5 MB of a pod. */
const MOST_VARIABLE_CHARACTERS = 1024 * 1024
/** Every entry is compared with every partner and with ours, 100 ms of CPU per megabyte. 4 KiB in each of 60 containers is less. */
const MOST_NO_PROXY_CHARACTERS = 256 * 1024

/** Refuses a pod that is too large to be looked at further. @returns whether it was refused. */
export function rejectOversized({ containers, initContainers }: Pod, { report }: Refusals): boolean {
  const problems: Problem[] = []
  for (const [list, entries] of Object.entries({ containers, initContainers })) {
    if (entries.length > MOST_CONTAINERS)
      problems.push({
        where: `spec.${list}`,
        value: `${entries.length} entries`,
        allowed: `at most ${MOST_CONTAINERS}`,
      })
    const long = entries.find(({ name }) => name.length > LONGEST_NAME)
    if (long)
      problems.push({
        where: `spec.${list}[${long.index}].name`,
        value: long.name,
        allowed: `at most ${LONGEST_NAME} characters`,
      })
  }
  for (const problem of problems) report('too-large', problem)
  return problems.length > 0
}

/** Refuses lists of direct hosts that would take long to compare. @returns whether they were refused. */
export function rejectOversizedNoProxy(
  containers: readonly { readonly variables: readonly Variable[] }[],
  { report }: Refusals,
): boolean {
  let characters = 0
  for (const { variables } of containers)
    for (const { name, value } of variables) if (NO_PROXY_NAMES.includes(name)) characters += value?.length ?? 0
  if (characters <= MOST_NO_PROXY_CHARACTERS) return false
  report('too-large', {
    where: 'spec.containers',
    value: `${characters} characters of NO_PROXY`,
    allowed: `at most ${MOST_NO_PROXY_CHARACTERS} together; shorten it, or name fewer in ${PREFIX}containers`,
  })
  return true
}

/** Refuses variables that would make the pod larger than the API server stores. */
export function rejectOversizedVariables(
  plans: readonly { readonly edits: readonly { readonly value: string }[] }[],
  { report }: Refusals,
): void {
  const characters = plans.reduce((sum, { edits }) => edits.reduce((all, { value }) => all + value.length, sum), 0)
  if (characters > MOST_VARIABLE_CHARACTERS)
    report('too-large', {
      where: 'spec.containers',
      value: `${characters} characters of variables`,
      allowed: `at most ${MOST_VARIABLE_CHARACTERS} together; shorten NO_PROXY and ${PREFIX}no-proxy, or name fewer in ${PREFIX}containers`,
    })
}
