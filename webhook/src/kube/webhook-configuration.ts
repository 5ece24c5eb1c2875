import type {
  KubeConfig,
  V1MutatingWebhookConfiguration,
  V1ValidatingWebhookConfiguration,
} from '@kubernetes/client-node'
import { AdmissionregistrationV1Api, PatchStrategy } from '@kubernetes/client-node'
import { FIELD_MANAGER, callOptions, clientOf } from './client.ts'
import { calling } from './failure.ts'
import type { WatchDeps, WatchHandle } from './watch.ts'
import { watchObject } from './watch.ts'

/** The parts of a registration that matter here: of a MutatingWebhookConfiguration, or a ValidatingWebhookConfiguration. */
export interface WebhookConfiguration {
  readonly resourceVersion: string
  /** When it was read, by the clock of the API server, milliseconds; undefined when that did not say. */
  readonly readAt?: number | undefined
  readonly entries: readonly {
    readonly name: string
    /** PEM, empty when there is none. */ readonly caBundle: string
  }[]
}

/** One of them by name. Verbs: get, watch, patch. */
export interface WebhookConfigurationResource {
  /** @throws KubeError not-found and others. */
  read(): Promise<WebhookConfiguration>
  /** Sets `caBundle` of every entry and nothing else. @throws KubeError conflict when it has changed since it was read. */
  publish(seen: WebhookConfiguration, caBundle: string): Promise<WebhookConfiguration>
  /** Calls back soon after every change, and after every time it may have missed one. */
  watch(deps: WatchDeps): WatchHandle
}

type Registration = V1MutatingWebhookConfiguration | V1ValidatingWebhookConfiguration
type Patch = Parameters<AdmissionregistrationV1Api['patchMutatingWebhookConfiguration']>[0]
type Options = ReturnType<typeof callOptions>

/** What the client calls the same two calls for each kind. */
const KINDS = {
  mutating: {
    resource: 'mutatingwebhookconfigurations',
    read: (api: AdmissionregistrationV1Api, name: string) =>
      api.readMutatingWebhookConfigurationWithHttpInfo({ name }, callOptions()),
    patch: (api: AdmissionregistrationV1Api, patch: Patch, options: Options): Promise<Registration> =>
      api.patchMutatingWebhookConfiguration(patch, options),
  },
  validating: {
    resource: 'validatingwebhookconfigurations',
    read: (api: AdmissionregistrationV1Api, name: string) =>
      api.readValidatingWebhookConfigurationWithHttpInfo({ name }, callOptions()),
    patch: (api: AdmissionregistrationV1Api, patch: Patch, options: Options): Promise<Registration> =>
      api.patchValidatingWebhookConfiguration(patch, options),
  },
} as const

export function createWebhookConfigurationResource(
  config: KubeConfig,
  kind: keyof typeof KINDS,
  name: string,
): WebhookConfigurationResource {
  const api = clientOf(config, AdmissionregistrationV1Api)
  const { resource, read, patch } = KINDS[kind]
  const where = `${resource}/${name}`
  return {
    read: () =>
      calling(`get ${where}`, async () => {
        const { data, headers } = await read(api, name)
        return { ...decode(data), readAt: timeOf(headers['date']) }
      }),
    publish: ({ resourceVersion, entries }, caBundle) =>
      calling(`patch ${where}`, async () => {
        const text = Buffer.from(caBundle).toString('base64')
        // A strategic merge finds entries by name. The resourceVersion keeps it from adding one that has just gone.
        const webhooks = entries.map((entry) => ({ name: entry.name, clientConfig: { caBundle: text } }))
        const body = { metadata: { resourceVersion }, webhooks }
        const options = callOptions({ contentType: PatchStrategy.StrategicMergePatch })
        return decode(await patch(api, { name, body, fieldManager: FIELD_MANAGER }, options))
      }),
    watch: (deps) =>
      watchObject(
        config,
        { path: `/apis/admissionregistration.k8s.io/v1/${resource}`, name, what: `watch ${where}` },
        deps,
      ),
  }
}

function decode({ metadata, webhooks }: Registration): WebhookConfiguration {
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    entries: (webhooks ?? []).map(({ name, clientConfig }) => ({
      name,
      caBundle: Buffer.from(clientConfig.caBundle ?? '', 'base64').toString(),
    })),
  }
}

/** The date of an answer (RFC 9110 §6.6.1), which Go's servers always send. */
function timeOf(date: string | undefined): number | undefined {
  const time = Date.parse(date ?? '')
  return Number.isNaN(time) ? undefined : time
}
