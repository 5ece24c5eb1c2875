import { eksIrsa, eksOld, eksPodIdentity } from '../../support/injection/mutations/eks.ts'
import { istioClassic, istioNative, linkerdClassic, linkerdNative } from '../../support/injection/mutations/meshes.ts'
import type { Json } from '../../support/injection/object.ts'
import { allContainers, nameOf } from '../../support/injection/object.ts'

export type Mutation = <T>(pod: T) => T

/** What other injectors of a cluster do to a pod, by the path they are called at. The unit tests use the same mutations. */
export const INJECTORS: Readonly<Record<string, Mutation>> = {
  '/eks/irsa': eksIrsa,
  '/eks/pod-identity': eksPodIdentity,
  '/eks/old': eksOld,
  '/istio/classic': istioClassic,
  '/istio/native': istioNative,
  '/linkerd/classic': linkerdClassic,
  '/linkerd/native': linkerdNative,
}

/** Containers of meshes run an image that is here: one that ends, or one that answers their probes. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  'istio-validation': ['/nodejs/bin/node', '-e', '0'],
  'linkerd-network-validator': ['/nodejs/bin/node', '-e', '0'],
  'istio-proxy': ['/nodejs/bin/node', '/app/mesh.mjs', '15020', '15021'],
  'linkerd-proxy': ['/nodejs/bin/node', '/app/mesh.mjs', '4143', '4191'],
}

/** @returns the pod with containers that can run here. */
export function runnable<T>(pod: T, image: string): T {
  for (const container of allContainers(pod)) replaceImage(container, image)
  return pod
}

function replaceImage(container: Json, image: string): void {
  const command = COMMANDS[nameOf(container)]
  if (command === undefined) return
  Object.assign(container, { image, imagePullPolicy: 'IfNotPresent', command })
}
