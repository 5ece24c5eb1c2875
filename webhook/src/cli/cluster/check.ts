import { isObject, objectAt, objectsAt, textAt } from '../../injection/pod/json.ts'
import type { JsonObject } from '../../injection/pod/json.ts'
import type { Cluster } from '../../kube/cluster.ts'
import { KubeError } from '../../kube/failure.ts'
import type { Given } from '../arguments.ts'
import type { Outcome, World } from '../outcome.ts'
import type { Finding } from '../report.ts'
import { report } from '../report.ts'
import type { Answer } from './answer.ts'
import { listedIn, nameOf, unread } from './answer.ts'
import { clusterFindings, hookFindings, permissionFindings, placeFindings, RIGHTS } from './before.ts'
import {
  NOT_INSTALLED,
  admissionFindings,
  accountFindings,
  guardFindings,
  registrationFindings,
  warningFindings,
  webhookFindings,
} from './installed.ts'
import { INSTALLATION, NAMESPACE, samplePod } from './names.ts'
import type { Replica } from './replicas.ts'
import { replicaFindings } from './replicas.ts'

const REGISTRATIONS = '/apis/admissionregistration.k8s.io/v1'

/** Looks at a cluster before or after an installation. @throws KubeError when the API server does not answer at all. */
export async function runCheck({ options, output }: Given, world: World): Promise<Outcome> {
  const cluster = await world.cluster(options.context)
  const version = await cluster.get('/version')
  const [resources, hooks] = await Promise.all([
    look(cluster, REGISTRATIONS),
    look(cluster, `${REGISTRATIONS}/mutatingwebhookconfigurations`),
  ])
  const common = [...clusterFindings(isObject(version) ? version : {}, resources), ...hookFindings(hooks)]
  const rest =
    options.pre === true
      ? await before(cluster, hooks)
      : await installed(cluster, hooks, options.namespace ?? cluster.namespace, options['service-account'])
  return report([...common, ...rest], output)
}

async function before(cluster: Cluster, hooks: Answer): Promise<readonly Finding[]> {
  const [place, ...reviews] = await Promise.all([
    look(cluster, `/api/v1/namespaces/${NAMESPACE}`),
    ...RIGHTS.map(({ group, resource, namespaced }) =>
      send(cluster, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb: 'create', group, resource, ...(namespaced && { namespace: NAMESPACE }) } },
      }),
    ),
  ])
  return [...permissionFindings(reviews), ...placeFindings(place, hooks)]
}

async function installed(
  cluster: Cluster,
  hooks: Answer,
  namespace: string,
  account: string | undefined,
): Promise<readonly Finding[]> {
  const registration = listedIn(hooks, INSTALLATION)
  const warnings = await look(cluster, `${REGISTRATIONS}/validatingwebhookconfigurations`)
  const place = placeOf(registration) ?? placeOf(listedIn(warnings, INSTALLATION)) ?? NAMESPACE
  const pods = `/api/v1/namespaces/${namespace}/pods?dryRun=All`
  const [deployment, replicas, policies, bindings, admitted, ofAccount] = await Promise.all([
    look(cluster, `/apis/apps/v1/namespaces/${place}/deployments/${INSTALLATION}`),
    readReplicas(cluster, place),
    look(cluster, `${REGISTRATIONS}/validatingadmissionpolicies`),
    look(cluster, `${REGISTRATIONS}/validatingadmissionpolicybindings`),
    send(cluster, pods, samplePod()),
    account === undefined ? undefined : send(cluster, pods, samplePod(account)),
  ])
  if (!deployment.ok && deployment.code === 'not-found' && [hooks, warnings, policies].every(hasNothing))
    return [NOT_INSTALLED]
  return [
    ...registrationFindings(hooks, registration),
    ...webhookFindings(place, deployment),
    ...(replicas.ok ? replicaFindings(place, replicas.value) : [unread('certificate', `pods of ${place}`, replicas)]),
    ...warningFindings(warnings),
    ...guardFindings(policies, bindings, deployment),
    ...admissionFindings(namespace, admitted),
    ...(account === undefined || !ofAccount ? [] : accountFindings(`${namespace}/${account}`, ofAccount)),
  ]
}

/** Whether a list was read and has no object of an installation, wherever that may be. */
const hasNothing = (list: Answer): boolean =>
  list.ok && !objectsAt(list.value, 'items').some((item) => nameOf(item).startsWith(INSTALLATION))

/** @returns the namespace that the registration sends reviews to. */
function placeOf(registration: JsonObject | undefined): string | undefined {
  const [entry] = objectsAt(registration ?? {}, 'webhooks')
  return textAt(objectAt(objectAt(entry ?? {}, 'clientConfig'), 'service'), 'namespace')
}

/** Through the API server, so that no port must be open to the person who asks. */
async function readReplicas(cluster: Cluster, namespace: string): Promise<Answer<readonly Replica[]>> {
  const path = `/api/v1/namespaces/${namespace}/pods`
  const list = await look(cluster, `${path}?labelSelector=app.kubernetes.io/name%3D${INSTALLATION}`)
  if (!list.ok) return list
  const replicas = objectsAt(list.value, 'items').map(async (pod): Promise<Replica> => {
    const name = textAt(objectAt(pod, 'metadata'), 'name') ?? ''
    return { name, metrics: await answered(cluster.scrape(`${path}/${name}:${adminPort(pod)}/proxy/metrics`)) }
  })
  return { ok: true, value: await Promise.all(replicas) }
}

function adminPort(pod: JsonObject): number {
  const ports = objectsAt(objectAt(pod, 'spec'), 'containers').flatMap((container) => objectsAt(container, 'ports'))
  return Number(ports.find((port) => textAt(port, 'name') === 'admin')?.['containerPort'] ?? 9444)
}

const look = (cluster: Cluster, path: string): Promise<Answer> => answered(cluster.get(path).then(toObject))
const send = (cluster: Cluster, path: string, body: object): Promise<Answer> =>
  answered(cluster.post(path, body).then(toObject))

const toObject = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** @returns what a call came to; a check goes on when one of them fails. */
async function answered<T>(call: Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await call }
  } catch (error) {
    if (!(error instanceof KubeError)) throw error
    const { code, message, missingRight } = error
    return { ok: false, code, message, missingRight }
  }
}
