import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import { VARIABLES } from '@aws-outbound-jwt-injector/proxy/contract'
import { AWS_VARIABLES } from './sidecar-variables.ts'
import { MOUNT_ROOT, VOLUME_PREFIX } from './volumes.ts'

/** What the sidecar needs for one of its tasks. */
export interface SidecarParts {
  readonly env: readonly V1EnvVar[]
  readonly volumes: readonly V1Volume[]
  readonly mounts: readonly V1VolumeMount[]
}

/** SECURITY: of our own name and path. EKS's hook would mount at its path a second time, and the pod would be refused. */
const VOLUME = `${VOLUME_PREFIX}token`
const MOUNT_PATH = `${MOUNT_ROOT}/serviceaccount`
/** The kubelet renews the token at 80 % of its life. */
const TOKEN_SECONDS = 3600

/** SECURITY: a pod without credentials of its own must never mint as the node it runs on. */
const NOT_THE_NODE: V1EnvVar = { name: AWS_VARIABLES.ec2MetadataDisabled, value: 'true' }

/** For a sidecar none of whose tokens comes from AWS: it gets no role, and says so to the guard, which cannot read routes. */
export const NO_CREDENTIALS: SidecarParts = {
  env: [NOT_THE_NODE, { name: VARIABLES.credentials, value: 'none' }],
  volumes: [],
  mounts: [],
}

/**
 * With a role, a token volume for the sidecar alone, and every variable whose absence would make EKS's hook add its own.
 * Without one, EKS's hook or Pod Identity provides credentials, before or after us.
 */
export function planCredentials(roleArn: string | undefined, region: string | undefined): SidecarParts {
  const env: V1EnvVar[] = [
    NOT_THE_NODE,
    { name: VARIABLES.podName, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
    { name: VARIABLES.podNamespace, valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
  ]
  if (region !== undefined) env.push({ name: AWS_VARIABLES.region, value: region })
  if (roleArn === undefined) return { env, volumes: [], mounts: [] }
  env.push(
    { name: AWS_VARIABLES.roleArn, value: roleArn },
    { name: AWS_VARIABLES.webIdentityTokenFile, value: `${MOUNT_PATH}/token` },
    { name: AWS_VARIABLES.stsRegionalEndpoints, value: 'regional' },
    { name: VARIABLES.expectedRoleArn, value: roleArn },
  )
  const source = { audience: 'sts.amazonaws.com', expirationSeconds: TOKEN_SECONDS, path: 'token' }
  const volume = { name: VOLUME, projected: { sources: [{ serviceAccountToken: source }] } }
  return { env, volumes: [volume], mounts: [{ name: VOLUME, mountPath: MOUNT_PATH, readOnly: true }] }
}
