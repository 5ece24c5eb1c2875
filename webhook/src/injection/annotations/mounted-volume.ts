import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { MountedObject } from '@aws-outbound-jwt-injector/proxy/contract'
import { MOUNT_ROOT, VOLUME_PREFIX } from '../sidecar/volumes.ts'

/** An object that an annotation names, as a volume of the pod and its mount in the sidecar. */
export interface MountedVolume {
  readonly volume: V1Volume
  readonly mount: V1VolumeMount
}

/** @param index of the route that names it, so that two routes never share a volume; none for an object of the whole pod. */
export function mountedVolume({ purpose, source }: MountedObject, index?: number): MountedVolume {
  const name = [`${VOLUME_PREFIX}${purpose}`, ...(index === undefined ? [] : [index])].join('-')
  const mountPath = [MOUNT_ROOT, purpose, ...(index === undefined ? [] : [index])].join('/')
  return { volume: { name, ...source }, mount: { name, mountPath, readOnly: true } }
}
