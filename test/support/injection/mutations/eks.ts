// EKS's pod identity webhook, as it edits pods. Source: aws/amazon-eks-pod-identity-webhook, pkg/handler/handler.go.
import type { Json } from '../object.ts'
import { at, list, nameOf, object } from '../object.ts'

const VOLUME = 'aws-iam-token'
const MOUNT_PATH = '/var/run/secrets/eks.amazonaws.com/serviceaccount'
const POD_IDENTITY_VOLUME = 'eks-pod-identity-token'
const POD_IDENTITY_PATH = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount'

/** IRSA: a role of the service account, for every container that lacks a part of it. */
export function eksIrsa<T>(pod: T): T {
  return edit(pod, addWebIdentity, {
    name: VOLUME,
    projected: {
      sources: [{ serviceAccountToken: { audience: 'sts.amazonaws.com', expirationSeconds: 86400, path: 'token' } }],
    },
  })
}

/** EKS Pod Identity: credentials from the agent on the node. */
export function eksPodIdentity<T>(pod: T): T {
  return edit(pod, addPodIdentity, {
    name: POD_IDENTITY_VOLUME,
    projected: {
      sources: [
        {
          serviceAccountToken: {
            audience: 'pods.eks.amazonaws.com',
            expirationSeconds: 86400,
            path: 'eks-pod-identity-token',
          },
        },
      ],
    },
  })
}

/** The same hook built on types older than native sidecars: what it does not know is gone. Source: its issue 208. */
export function eksOld<T>(pod: T): T {
  const result = object(eksIrsa(pod))
  for (const container of list(at(result, 'spec', 'initContainers'))) {
    delete container['restartPolicy']
    delete container['startupProbe']
  }
  return result as T
}

function edit<T>(pod: T, change: (container: Json) => boolean, volume: Json): T {
  const result = structuredClone(pod)
  const spec = object(at(result, 'spec'))
  const changed = [...list(spec['initContainers']), ...list(spec['containers'])].map(change).includes(true)
  const volumes = list(spec['volumes'])
  if (changed && !volumes.some((other) => nameOf(other) === nameOf(volume))) spec['volumes'] = [volume, ...volumes]
  return result
}

function addWebIdentity(container: Json): boolean {
  const env = list(container['env'])
  const has = (...names: readonly string[]): boolean => env.some((variable) => names.includes(nameOf(variable)))
  const identity = has('AWS_ROLE_ARN', 'AWS_WEB_IDENTITY_TOKEN_FILE')
  const region = has('AWS_REGION', 'AWS_DEFAULT_REGION')
  const sts = has('AWS_STS_REGIONAL_ENDPOINTS')
  if (identity && region && sts) return false
  container['env'] = [
    ...env,
    ...(sts ? [] : [{ name: 'AWS_STS_REGIONAL_ENDPOINTS', value: 'regional' }]),
    ...(region ? [] : ['AWS_DEFAULT_REGION', 'AWS_REGION'].map((name) => ({ name, value: 'eu-west-1' }))),
    ...(identity
      ? []
      : [
          { name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::123456789012:role/service-account' },
          { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', value: `${MOUNT_PATH}/token` },
        ]),
  ]
  return mount(container, { name: VOLUME, readOnly: true, mountPath: MOUNT_PATH })
}

function addPodIdentity(container: Json): boolean {
  const env = list(container['env'])
  if (env.some((variable) => nameOf(variable) === 'AWS_CONTAINER_CREDENTIALS_FULL_URI')) return false
  container['env'] = [
    ...env,
    { name: 'AWS_CONTAINER_CREDENTIALS_FULL_URI', value: 'http://169.254.170.23/v1/credentials' },
    { name: 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE', value: `${POD_IDENTITY_PATH}/eks-pod-identity-token` },
  ]
  return mount(container, { name: POD_IDENTITY_VOLUME, readOnly: true, mountPath: POD_IDENTITY_PATH })
}

function mount(container: Json, volumeMount: Json): boolean {
  const mounts = list(container['volumeMounts'])
  if (!mounts.some((other) => nameOf(other) === nameOf(volumeMount)))
    container['volumeMounts'] = [...mounts, volumeMount]
  return true
}
