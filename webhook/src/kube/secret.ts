import type { KubeConfig, V1Secret } from '@kubernetes/client-node'
import { CoreV1Api, PatchStrategy } from '@kubernetes/client-node'
import { FIELD_MANAGER, callOptions, clientOf } from './client.ts'
import { KubeError, calling } from './failure.ts'

/** One Secret, decoded. */
export interface Secret {
  readonly resourceVersion: string
  readonly labels: Readonly<Record<string, string>>
  readonly data: Readonly<Record<string, string>>
}

/** One Secret by name. Verbs: get, create, patch. Every method throws KubeError. */
export interface SecretResource {
  /** @returns undefined when there is none. */
  read(): Promise<Secret | undefined>
  /** Makes sure that it exists with these labels; entries that are there stay. Server-side apply, so `create` can be granted for one name. */
  ensure(labels: Readonly<Record<string, string>>): Promise<Secret>
  /** Sets entries and removes those that are null. @throws KubeError conflict when somebody else was faster. */
  change(seen: Secret, entries: Readonly<Record<string, string | null>>): Promise<Secret>
}

export interface SecretName {
  readonly namespace: string
  readonly name: string
}

export function createSecretResource(config: KubeConfig, { namespace, name }: SecretName): SecretResource {
  const api = clientOf(config, CoreV1Api)
  const where = `secrets/${name} in namespace ${namespace}`
  return {
    read: () =>
      calling(`get ${where}`, async () =>
        decode(await api.readNamespacedSecret({ namespace, name }, callOptions())),
      ).catch(undefinedIfMissing),
    ensure: (labels) =>
      calling(`create ${where}`, async () => {
        const body = { apiVersion: 'v1', kind: 'Secret', metadata: { name, labels }, type: 'Opaque' }
        const options = callOptions({ contentType: PatchStrategy.ServerSideApply })
        return decode(await api.patchNamespacedSecret({ namespace, name, body, fieldManager: FIELD_MANAGER }, options))
      }),
    change: ({ resourceVersion }, entries) =>
      calling(`patch ${where}`, async () => {
        const body = { metadata: { resourceVersion }, data: encode(entries) }
        const options = callOptions({ contentType: PatchStrategy.MergePatch })
        return decode(await api.patchNamespacedSecret({ namespace, name, body, fieldManager: FIELD_MANAGER }, options))
      }),
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof KubeError && error.code === 'not-found') return undefined
  throw error
}

function decode({ metadata, data }: V1Secret): Secret {
  const entries = Object.entries(data ?? {}).map(([name, value]) => [name, Buffer.from(value, 'base64').toString()])
  return {
    resourceVersion: metadata?.resourceVersion ?? '',
    labels: metadata?.labels ?? {},
    data: Object.fromEntries(entries) as Record<string, string>,
  }
}

function encode(entries: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, text]) => [name, text === null ? null : Buffer.from(text).toString('base64')]),
  )
}
