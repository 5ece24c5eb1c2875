import type { MountedObject } from '@aws-outbound-jwt-injector/proxy/contract'
import { CA_FILE, VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'
import { mountedVolume } from '../annotations/mounted-volume.ts'
import type { SidecarParts } from './credentials.ts'
import { MOUNT_ROOT, TRUST, VOLUME_PREFIX, inMemory } from './volumes.ts'

/** SECURITY: holds the key of the pod's authority; the sidecar alone mounts it. */
const AUTHORITY = { name: `${VOLUME_PREFIX}authority`, mountPath: `${MOUNT_ROOT}/authority` } as const

/** What the sidecar needs to answer for partners. @param extraCa authorities of the namespace, which applications trust too. */
export function planInterception(extraCa: MountedObject | undefined): SidecarParts {
  const extra = extraCa && mountedVolume(extraCa)
  return {
    env: [
      { name: VARIABLES.trustDir, value: TRUST.mountPath },
      { name: VARIABLES.authorityDir, value: AUTHORITY.mountPath },
      ...(extra ? [{ name: VARIABLES.extraCaFile, value: `${extra.mount.mountPath}/${CA_FILE}` }] : []),
    ],
    volumes: [
      // The roots of the web, twice, and room for a renewal of both.
      { name: TRUST.name, emptyDir: inMemory('8Mi') },
      { name: AUTHORITY.name, emptyDir: inMemory('1Mi') },
      ...(extra ? [extra.volume] : []),
    ],
    mounts: [TRUST, AUTHORITY, ...(extra ? [extra.mount] : [])],
  }
}
