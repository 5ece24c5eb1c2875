import type { EnvVar } from '../support/kubelet.ts'

export interface Container {
  readonly name: string
  readonly env?: readonly EnvVar[]
  readonly volumeMounts?: readonly { readonly mountPath: string }[]
  readonly startupProbe?: { readonly exec?: { readonly command?: readonly string[] } }
}

/** The parts of a pod the demo reads. */
export interface Pod {
  readonly metadata: {
    readonly generateName?: string
    readonly namespace?: string
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: {
    readonly serviceAccountName?: string
    readonly initContainers?: readonly Container[]
    readonly containers: readonly Container[]
  }
}

/** @returns the container or init container of that name. @throws when there is none. */
export function container(pod: Pod, name: string): Container {
  const found = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(
    (candidate) => candidate.name === name,
  )
  if (!found) throw new Error(`the pod has no container ${name}`)
  return found
}

/** @returns the value of a variable that must be set. */
export function required(environment: Readonly<Record<string, string>>, name: string): string {
  const value = environment[name]
  if (value === undefined) throw new Error(`${name} is not set`)
  return value
}

/** @returns the pod as a person wants to read it: without the bookkeeping of the API server. */
export function readable(pod: Pod): object {
  return {
    ...pod,
    metadata: Object.fromEntries(Object.entries(pod.metadata).filter(([key]) => key !== 'managedFields')),
  }
}
