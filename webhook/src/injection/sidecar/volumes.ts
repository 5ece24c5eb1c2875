import type { V1EmptyDirVolumeSource } from '@kubernetes/client-node'

/** How the name of every volume begins that injection adds. */
export const VOLUME_PREFIX = 'aws-outbound-jwt-'

/** Below it everything is mounted that injection adds. */
export const MOUNT_ROOT = '/var/run/secrets/outbound-jwt.io'

/** What the sidecar publishes for applications to trust. */
export const TRUST = { name: `${VOLUME_PREFIX}trust`, mountPath: `${MOUNT_ROOT}/trust` } as const

/** Where the sidecar writes tokens for applications to read. */
export const TOKENS = { name: `${VOLUME_PREFIX}tokens`, mountPath: `${MOUNT_ROOT}/tokens` } as const

/** In memory: a key or token does not belong on a disk, and a volume on one keeps the cluster autoscaler from draining the node. */
export const inMemory = (sizeLimit: string): V1EmptyDirVolumeSource => ({ medium: 'Memory', sizeLimit })

/** SECURITY: the volumes that applications may mount, read-only. All others of the prefix are the sidecar's alone. */
export const SHARED_VOLUMES: readonly string[] = [TRUST.name, TOKENS.name]

/** Where EKS's hook mounts its tokens in its two forms, IRSA and Pod Identity. */
export const EKS_MOUNT_PATHS: ReadonlySet<string> = new Set([
  '/var/run/secrets/eks.amazonaws.com/serviceaccount',
  '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount',
])

/** Where others mount credentials in every container, ours included: the kubelet, EKS's hook, Azure Workload Identity, Datadog. */
export const FOREIGN_MOUNT_PATHS: ReadonlySet<string> = new Set([
  '/var/run/secrets/kubernetes.io/serviceaccount',
  ...EKS_MOUNT_PATHS,
  '/var/run/secrets/azure/tokens',
  '/var/run/datadog',
])
