import type { V1EnvVar, V1VolumeMount } from '@kubernetes/client-node'
import { VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'
import { objectsAt, textAt } from '../pod/json.ts'
import type { Container } from '../pod/pod.ts'
import { variablesOf } from '../pod/pod.ts'
import { AWS_VARIABLES, CREDENTIAL_MARKS } from './sidecar-variables.ts'
import { EKS_MOUNT_PATHS } from './volumes.ts'

/** What EKS's hook gave the other containers of a pod, for a sidecar that came after it. */
export interface ForeignCredentials {
  readonly env: readonly V1EnvVar[]
  readonly mounts: readonly V1VolumeMount[]
}

const NONE: ForeignCredentials = { env: [], mounts: [] }

/** Variable that names a token of EKS's hook → what comes with it. Source: aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go. */
const FORMS: readonly (readonly [tokenFile: string, others: readonly string[]])[] = [
  [AWS_VARIABLES.webIdentityTokenFile, [AWS_VARIABLES.roleArn]],
  ['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', ['AWS_CONTAINER_CREDENTIALS_FULL_URI']],
]
const REGION_NAMES = [AWS_VARIABLES.stsRegionalEndpoints, AWS_VARIABLES.region, 'AWS_DEFAULT_REGION']

/** @returns whether variables give the sidecar credentials, or say that it needs none. */
export function hasCredentials(names: readonly string[]): boolean {
  return names.some((name) => name === VARIABLES.credentials || CREDENTIAL_MARKS.includes(name))
}

/**
 * EKS's hook gives its credentials to every container that is there when it is called, and may not be called again.
 * SECURITY: only what it mounts itself, from where it mounts it; an application's own keys stay its own.
 * @param present names of the variables that the sidecar has already.
 */
export function foreignCredentials(containers: readonly Container[], present: readonly string[]): ForeignCredentials {
  if (hasCredentials(present)) return NONE
  for (const container of containers) {
    const values = new Map(variablesOf(container).map(({ name, value }) => [name, value]))
    for (const [tokenFile, others] of FORMS) {
      const path = values.get(tokenFile)
      const mount = objectsAt(container.raw, 'volumeMounts').find(({ mountPath }) => isIn(path, mountPath))
      const name = mount && textAt(mount, 'name')
      const mountPath = mount && textAt(mount, 'mountPath')
      if (name === undefined || mountPath === undefined) continue
      const env = [tokenFile, ...others, ...REGION_NAMES].flatMap((variable): readonly V1EnvVar[] => {
        const value = values.get(variable)
        return value === undefined || present.includes(variable) ? [] : [{ name: variable, value }]
      })
      if (others.every((other) => values.get(other) !== undefined))
        return { env, mounts: [{ name, mountPath, readOnly: true }] }
    }
  }
  return NONE
}

const isIn = (file: string | undefined, mountPath: unknown): boolean =>
  typeof mountPath === 'string' && EKS_MOUNT_PATHS.has(mountPath) && file?.startsWith(`${mountPath}/`) === true
