// What the API server itself adds to a pod: defaults of the types, the ServiceAccount and LimitRanger admission plugins.
import type { Json } from '../object.ts'
import { allContainers, at, list, nameOf, object } from '../object.ts'

const TOKEN = 'kube-api-access-x7k2p'

export function defaulting<T>(pod: T): T {
  const result = structuredClone(pod)
  const spec = object(at(result, 'spec'))
  for (const container of allContainers(result)) defaultContainer(container)
  spec['volumes'] = [...list(spec['volumes']).filter((volume) => nameOf(volume) !== TOKEN), tokenVolume()]
  Object.assign(spec, {
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    enableServiceLinks: true,
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    serviceAccountName: 'default',
    serviceAccount: 'default',
    securityContext: {},
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
    ...spec,
  })
  return result
}

function defaultContainer(container: Json): void {
  container['terminationMessagePath'] ??= '/dev/termination-log'
  container['terminationMessagePolicy'] ??= 'File'
  container['imagePullPolicy'] ??= 'IfNotPresent'
  const resources = object(container['resources'])
  container['resources'] = {
    limits: { cpu: '2', memory: '2Gi', ...object(resources['limits']) },
    requests: { cpu: '100m', memory: '64Mi', ...object(resources['requests']) },
  }
  const mounts = list(container['volumeMounts'])
  if (!mounts.some((mount) => nameOf(mount) === TOKEN))
    container['volumeMounts'] = [
      ...mounts,
      { name: TOKEN, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ]
  for (const port of list(container['ports'])) port['protocol'] ??= 'TCP'
  for (const variable of list(container['env'])) defaultFieldRef(variable)
  const probe = object(container['startupProbe'])
  if (container['startupProbe'] !== undefined) container['startupProbe'] = { successThreshold: 1, ...probe }
}

function defaultFieldRef(variable: Json): void {
  const reference = object(at(variable, 'valueFrom', 'fieldRef'))
  if (reference['fieldPath'] !== undefined) reference['apiVersion'] ??= 'v1'
}

function tokenVolume(): Json {
  return {
    name: TOKEN,
    projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3607, path: 'token' } }] },
  }
}
