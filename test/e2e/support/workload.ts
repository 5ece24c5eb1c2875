import { VENDOR_HOSTS } from '../../partner-emulators/server.ts'
import { ANNOTATION, CLIENTS_IMAGE, ROLE_ARN, WORLD, WORLD_IMAGE } from './names.ts'
import { apply, createNamespace, kubectl } from './kubectl.ts'

/** What a test says of a pod; the rest is as any team of a restricted namespace writes it. */
export interface PodOptions {
  /** Without prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  /** Of the application. Default: call the partner once, then stay. */
  readonly args?: readonly string[]
  readonly serviceAccountName?: string
  /** Merged into the spec last. */
  readonly spec?: Readonly<Record<string, unknown>>
}

export const PARTNER_URL = 'http://api.partner.example/orders'
const PARTNERS = ['api.partner.example', 'billing.partner.example', 'many.partner.example']

/** Without the vendors that are always on this machine, and without what the partner answers to. */
const CLOUDS = VENDOR_HOSTS.filter((host) => !host.endsWith('localhost') && !PARTNERS.includes(host))

/** Annotations of a pod that calls the partner with a role of its own and the partner's private CA. */
export const ASKING = {
  inject: 'true',
  'role-arn': ROLE_ARN,
  region: 'eu-central-1',
  routes: `- hosts: [api.partner.example]
  audience: [https://api.partner.example]
  ca: {configMap: authority, key: ca.crt}
`,
} as const

const SECURITY_CONTEXT = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
} as const

/** Pods of one namespace. */
export interface Shop {
  readonly namespace: string
  /** @returns a pod template whose application calls the partner. */
  template(options?: PodOptions): { metadata: object; spec: Record<string, unknown> }
  apply(manifest: object): Promise<void>
  pod(name: string, options?: PodOptions): object
  deployment(name: string, options?: PodOptions, replicas?: number): object
  /** A pod that runs once. */
  job(name: string, options?: PodOptions): object
}

/** Makes a namespace whose pods reach the partner and the clouds by their names, and which holds their CA. */
export async function openShop(namespace: string, labels: Readonly<Record<string, string>> = {}): Promise<Shop> {
  await createNamespace(namespace, labels)
  const addressOf = (service: string): Promise<string> =>
    kubectl('get', 'service', service, '-n', WORLD, '-o', 'jsonpath={.spec.clusterIP}')
  const [partner, clouds, ca] = await Promise.all([
    addressOf('partner'),
    addressOf('clouds'),
    kubectl('get', 'configmap', 'authority', '-n', WORLD, '-o', 'jsonpath={.data.ca\\.crt}'),
  ])
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'authority' },
    data: { 'ca.crt': ca },
  })
  const template: Shop['template'] = ({ annotations = {}, args, serviceAccountName = 'default', spec = {} } = {}) => ({
    metadata: { annotations: prefixed(annotations) },
    spec: {
      serviceAccountName,
      terminationGracePeriodSeconds: 10,
      hostAliases: [
        { ip: partner, hostnames: PARTNERS },
        { ip: clouds, hostnames: CLOUDS },
      ],
      containers: [container('application', args)],
      ...spec,
    },
  })
  return {
    namespace,
    template,
    apply: (manifest) => apply(namespace, manifest),
    pod: (name, options) => {
      const { metadata, spec } = template(options)
      return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name }, ...metadata }, spec }
    },
    deployment: (name, options, replicas = 1) => {
      const { metadata, spec } = template(options)
      return {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name },
        spec: {
          replicas,
          selector: { matchLabels: { app: name } },
          template: { metadata: { labels: { app: name }, ...metadata }, spec },
        },
      }
    },
    job: (name, options) => {
      const { metadata, spec } = template(options)
      return {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name },
        spec: { template: { metadata, spec: { ...spec, restartPolicy: 'Never' } } },
      }
    },
  }
}

/** A container that runs the application. */
export function container(name: string, args: readonly string[] = [PARTNER_URL, '--serve']): object {
  return {
    name,
    image: WORLD_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    args: ['/app/application.mjs', ...args],
    securityContext: SECURITY_CONTEXT,
  }
}

/** A container that runs a stock client: test/e2e/clients. Its root file system cannot be written. */
export function client(name: string, command: readonly string[], more: object = {}): object {
  return {
    name,
    image: CLIENTS_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command,
    securityContext: { ...SECURITY_CONTEXT, readOnlyRootFilesystem: true },
    ...more,
  }
}

/** A call of a stock client, which prints a status: the container fails, and is started again, unless it is 200. */
export const once = (command: readonly string[]): readonly string[] => [
  ...['sh', '-c', 'said=$("$@"); echo "$said"; case "$said" in "status 200"*) ;; *) exit 1 ;; esac', 'sh'],
  ...command,
]

function prefixed(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`${ANNOTATION}${name}`, value]))
}
