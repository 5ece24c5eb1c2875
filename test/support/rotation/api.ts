import type { Secret } from '../../../webhook/src/kube/secret.ts'
import type { WebhookConfiguration } from '../../../webhook/src/kube/webhook-configuration.ts'
import { KubeError } from '../../../webhook/src/kube/failure.ts'
import type { ReconcilerDeps } from '../../../webhook/src/certificates/reconciler.ts'

/** What an API server stores, with its compare-and-swap. Every method happens at one instant. */
export interface FakeApi {
  secret: Secret | undefined
  configuration: WebhookConfiguration | undefined
  /** Called after every write of the configuration. */
  onConfiguration: (bundle: string) => void
  readonly writes: { secret: number; configuration: number }
  editBundle(bundle: string): void
  /** Versions are never reused, not even by an object that was deleted and made again. */
  nextVersion(): string
}

export function createFakeApi(entries: readonly string[] = ['pods.outbound-jwt.io']): FakeApi {
  let version = 1
  const api: FakeApi = {
    nextVersion: () => String((version += 1)),
    secret: undefined,
    configuration: { resourceVersion: '1', entries: entries.map((name) => ({ name, caBundle: '' })) },
    onConfiguration: () => undefined,
    writes: { secret: 0, configuration: 0 },
    editBundle: (caBundle) => {
      if (!api.configuration) throw new Error('there is no configuration')
      api.configuration = {
        resourceVersion: api.nextVersion(),
        entries: api.configuration.entries.map(({ name }) => ({ name, caBundle })),
      }
      api.onConfiguration(caBundle)
    },
  }
  return api
}

/** Runs one call of a replica, which may take its time before and after it has its effect. */
export type Transport = <T>(effect: () => T) => Promise<T>

export const immediately: Transport = (effect) => Promise.resolve().then(effect)

/** The two resources as a replica reaches them. @param now the wall clock of the API server, which says nothing without one. */
export function resourcesOf(
  api: FakeApi,
  transport: Transport = immediately,
  now?: () => number,
): Pick<ReconcilerDeps, 'secret' | 'configuration'> {
  return {
    secret: {
      read: () => transport(() => api.secret),
      ensure: (labels) =>
        transport(() => {
          api.secret = {
            data: {},
            ...api.secret,
            labels: { ...api.secret?.labels, ...labels },
            resourceVersion: api.nextVersion(),
          }
          api.writes.secret += 1
          return api.secret
        }),
      change: (seen, changes) =>
        transport(() => {
          const { secret } = api
          if (secret?.resourceVersion !== seen.resourceVersion)
            throw new KubeError('conflict', 'patch secret: conflict')
          const data = Object.fromEntries(
            Object.entries({ ...secret.data, ...changes }).filter(
              (entry): entry is [string, string] => entry[1] !== null,
            ),
          )
          api.secret = { ...secret, data, resourceVersion: api.nextVersion() }
          api.writes.secret += 1
          return api.secret
        }),
    },
    configuration: {
      read: () =>
        transport(() => {
          if (!api.configuration) throw new KubeError('not-found', 'get configuration: not found')
          return { ...api.configuration, readAt: now?.() }
        }),
      publish: (seen, bundle) =>
        transport(() => {
          if (api.configuration?.resourceVersion !== seen.resourceVersion)
            throw new KubeError('conflict', 'patch configuration: conflict')
          api.editBundle(bundle)
          api.writes.configuration += 1
          return api.configuration
        }),
    },
  }
}
