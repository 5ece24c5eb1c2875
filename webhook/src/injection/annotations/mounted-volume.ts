import type { V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { MountedObject, TokenFields } from '@aws-outbound-jwt-injector/proxy/contract'
import { MOUNT_ROOT, VOLUME_PREFIX } from '../sidecar/volumes.ts'

/** An object that an annotation names, as a volume of the pod and its mount in the sidecar. */
export interface MountedVolume {
  readonly volume: V1Volume
  readonly mount: V1VolumeMount
}

/** Which route or token file names an object, so that two never share a volume. */
type Index = number | string

/** @param index none for an object of the whole pod. */
export function mountedVolume({ purpose, source }: MountedObject, index?: Index): MountedVolume {
  const name = [`${VOLUME_PREFIX}${purpose}`, ...(index === undefined ? [] : [index])].join('-')
  return { volume: { name, ...source }, mount: { name, mountPath: mountPathOf(purpose, index), readOnly: true } }
}

const mountPathOf = (purpose: string, index?: Index): string =>
  [MOUNT_ROOT, purpose, ...(index === undefined ? [] : [index])].join('/')

const SUBJECT = 'subject'
const SUBJECT_FILE = 'token'

/** @returns where the sidecar finds a projected token. */
export const subjectTokenFile = (index: Index): string => `${mountPathOf(SUBJECT, index)}/${SUBJECT_FILE}`

/** The projected token of source `kubernetes`: for the sidecar alone, like every other object. */
export function subjectVolume(
  { audience, durationSeconds }: Pick<TokenFields, 'audience' | 'durationSeconds'>,
  index: Index,
): MountedVolume {
  const [only = ''] = audience
  const serviceAccountToken = { audience: only, expirationSeconds: durationSeconds, path: SUBJECT_FILE }
  return mountedVolume({ purpose: SUBJECT, source: { projected: { sources: [{ serviceAccountToken }] } } }, index)
}
