import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningProcess } from '../../support/process.ts'
import { startNode } from '../../support/process.ts'
import { WEBHOOK_COMMAND } from '../../support/webhook.ts'
import { apply, createNamespace, kubectl } from './kubectl.ts'
import type { Relay } from './relay.ts'
import { startRelay } from './relay.ts'

export const SECRET = 'aws-outbound-jwt-injector-certificates'

/** Long enough to see every phase, short enough to wait for: renewal after 2/3 of a minute, served 3 s later. */
export const SHORT_LIFE = { CERTIFICATE_LIFETIME: '60s', CERTIFICATE_PUBLICATION_DELAY: '3s' }

export interface WebhookReplica {
  readonly port: number
  readonly process: RunningProcess
  /** The body of a path on the admin port. */
  admin(path: string): Promise<{ readonly status: number; readonly body: string }>
  /** The value of one series, named with its labels; 0 before it first counts. */
  metric(series: string): Promise<number>
}

/** What is around the webhook in the cluster: namespaces, a service account with the published rights, a kubeconfig for it. */
export interface WebhookSite {
  /** Where the webhook has its Secret and its service account. */
  readonly system: string
  /** The one namespace whose pods it sees. */
  readonly shop: string
  /** Name of the MutatingWebhookConfiguration. */
  readonly configuration: string
  /** What replicas reach the API server through. */
  readonly relay: Relay
  /** Starts the shipped bundle with those rights. */
  replica(env?: Readonly<Record<string, string>>, nodeArguments?: readonly string[]): Promise<WebhookReplica>
  /** Registers a URL for pods of SHOP, without a caBundle. */
  register(port: number): Promise<void>
  /** Sets caBundle of every entry, as a hand or a tool would. */
  setCaBundles(base64: string): Promise<void>
  /** Forgets every certificate: no Secret, no caBundle. */
  reset(): Promise<void>
  renewToken(): Promise<void>
  /** As if the token had expired. */
  breakToken(): void
  remove(): Promise<void>
}

/** @param name part of every name in the cluster, so that each test file has a site of its own. */
export async function createWebhookSite(name: string): Promise<WebhookSite> {
  const [system, shop, configuration] = [
    `outbound-jwt-${name}`,
    `outbound-jwt-${name}-shop`,
    `aws-outbound-jwt-${name}`,
  ]
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-webhook-'))
  const tokenFile = join(directory, 'token')
  const kubeconfig = join(directory, 'kubeconfig')
  await Promise.all([createNamespace(system), createNamespace(shop)])
  await apply(system, readFileSync('test/e2e/manifests/webhook-rbac.yaml', 'utf8').replaceAll('e2e-service', name))
  const renewToken = async (): Promise<void> => {
    writeFileSync(tokenFile, await kubectl('create', 'token', 'webhook', '-n', system), { mode: 0o600 })
  }
  await renewToken()
  const { name: cluster, cluster: api } = await currentCluster()
  const relay = await startRelay(new URL(api.server))
  const relayed = { name: cluster, cluster: { ...api, server: `https://127.0.0.1:${relay.port}` } }
  writeFileSync(kubeconfig, JSON.stringify(serviceAccountKubeconfig(relayed, tokenFile)), { mode: 0o600 })
  const running: RunningProcess[] = []
  const setCaBundles = async (value: string): Promise<void> => {
    const patch = [0, 1].map((index) => ({ op: 'add', path: `/webhooks/${index}/clientConfig/caBundle`, value }))
    await kubectl('patch', 'mutatingwebhookconfiguration', configuration, '--type=json', '-p', JSON.stringify(patch))
  }
  return {
    system,
    shop,
    configuration,
    relay,
    renewToken,
    breakToken: () => writeFileSync(tokenFile, 'expired'),
    setCaBundles,
    reset: async () => {
      await kubectl('delete', 'secret', SECRET, '-n', system, '--ignore-not-found')
      await setCaBundles('')
    },
    replica: async (env = {}, nodeArguments = []) => {
      const process = startNode([...nodeArguments, ...WEBHOOK_COMMAND], {
        KUBECONFIG: kubeconfig,
        LISTEN_ADDR: '127.0.0.1:0',
        ADMIN_LISTEN_ADDR: '127.0.0.1:0',
        POD_NAMESPACE: system,
        WEBHOOK_CONFIGURATION: configuration,
        CERTIFICATE_HOSTS: '127.0.0.1',
        PROXY_IMAGE: 'ghcr.io/aws-outbound-jwt-injector/proxy:e2e',
        ...env,
      })
      running.push(process)
      const { webhook, admin } = await process.logged('listening')
      const ask: WebhookReplica['admin'] = async (path) => {
        const response = await fetch(`http://${String(admin)}${path}`)
        return { status: response.status, body: await response.text() }
      }
      return {
        port: Number(new URL(`https://${String(webhook)}`).port),
        process,
        admin: ask,
        metric: async (series) => {
          const line = (await ask('/metrics')).body.split('\n').find((text) => text.startsWith(`${series} `))
          return Number(line?.slice(series.length) ?? 0)
        },
      }
    },
    register: (port) => apply(system, webhookConfiguration({ configuration, shop, port })),
    remove: async () => {
      for (const process of running) process.signal('SIGKILL')
      await Promise.all(running.map(({ exited }) => exited))
      await relay.cut()
      rmSync(directory, { recursive: true, force: true })
      await kubectl('delete', 'mutatingwebhookconfiguration', configuration, '--ignore-not-found')
      await kubectl('delete', 'clusterrolebinding,clusterrole', configuration, '--ignore-not-found')
      await kubectl('delete', 'namespace', shop, system, '--ignore-not-found', '--wait=false')
    },
  }
}

interface Cluster {
  readonly name: string
  readonly cluster: { readonly server: string }
}

async function currentCluster(): Promise<Cluster> {
  const text = await kubectl('config', 'view', '--raw', '--minify', '--flatten', '-o', 'json')
  const [cluster] = (JSON.parse(text) as { clusters: readonly Cluster[] }).clusters
  if (!cluster) throw new Error('the kubeconfig names no cluster')
  return cluster
}

/** A cluster as a pod reaches it: with a token that is read from a file, again and again. */
function serviceAccountKubeconfig(cluster: Cluster, tokenFile: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [cluster],
    users: [{ name: 'webhook', user: { 'auth-provider': { name: 'tokenFile', config: { tokenFile } } } }],
    contexts: [{ name: 'webhook', context: { cluster: cluster.name, user: 'webhook' } }],
    'current-context': 'webhook',
  }
}

interface Registration {
  readonly configuration: string
  readonly shop: string
  readonly port: number
}

function webhookConfiguration({ configuration, shop, port }: Registration): object {
  const entry = (name: string, path: string, matchConditions: readonly object[]): object => ({
    name,
    // A process on the API server's own host, so that the test needs no image.
    clientConfig: { url: `https://127.0.0.1:${port}${path}` },
    rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': shop } },
    matchConditions,
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    failurePolicy: 'Fail',
    reinvocationPolicy: 'IfNeeded',
    timeoutSeconds: 5,
  })
  const annotated = 'has(object.metadata.annotations) && "outbound-jwt.io/inject" in object.metadata.annotations'
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: configuration },
    webhooks: [
      entry('pods.outbound-jwt.io', '/mutate', [{ name: 'annotated', expression: annotated }]),
      entry('namespaces.outbound-jwt.io', '/mutate/namespace', [{ name: 'never', expression: 'false' }]),
    ],
  }
}
