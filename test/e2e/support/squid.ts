import { apply, createNamespace, kubectl, rolledOut } from './kubectl.ts'
import { SQUID_IMAGE, WORLD } from './names.ts'

const PORT = 3128
const LABELS = { app: 'squid' }

/** Services of the world, and names that lead to them inside of squid's pod alone: no connection can go past it. */
type Names = Readonly<Record<string, readonly string[]>>

/** Starts squid in a namespace of its own. @returns its URL. */
export async function startSquid(namespace: string, names: Names): Promise<string> {
  await createNamespace(namespace)
  const hostAliases = await Promise.all(
    Object.entries(names).map(async ([service, hostnames]) => ({
      ip: await kubectl('get', 'service', service, '-n', WORLD, '-o', 'jsonpath={.spec.clusterIP}'),
      hostnames,
    })),
  )
  const container = {
    name: 'squid',
    image: SQUID_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    ports: [{ containerPort: PORT }],
    readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1, timeoutSeconds: 10 },
    securityContext: {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  }
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'squid' },
    spec: { selector: LABELS, ports: [{ port: PORT }] },
  })
  await apply(namespace, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'squid' },
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: { automountServiceAccountToken: false, hostAliases, containers: [container] },
      },
    },
  })
  await rolledOut(namespace, 'squid')
  return `http://squid.${namespace}.svc.cluster.local:${PORT}`
}

/** @returns a line for each connection that has ended. */
export const squidLog = (namespace: string): Promise<string> =>
  kubectl('exec', '-n', namespace, 'deployment/squid', '--', 'cat', '/tmp/access.log')
