import type { JsonPatchOperation } from '../patch.ts'
import { setMember } from '../patch.ts'
import type { Container } from '../pod/pod.ts'
import { pointerOf } from '../pod/pod.ts'
import { STARTUP_PROBE } from './sidecar.ts'

/**
 * Restores what an injector built on old types drops from native sidecars; what was changed rather than dropped stays.
 * Source: https://github.com/aws/amazon-eks-pod-identity-webhook/issues/208
 */
export function repairSidecar(container: Container): readonly JsonPatchOperation[] {
  const wanted = { restartPolicy: 'Always', startupProbe: STARTUP_PROBE }
  return Object.entries(wanted).flatMap(([name, value]) =>
    (container.raw[name] ?? null) === null ? [setMember(container.raw, pointerOf(container), name, value)] : [],
  )
}
