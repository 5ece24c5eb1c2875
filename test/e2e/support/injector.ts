import { apply, kubectl } from './kubectl.ts'
import { WORLD } from './names.ts'

/** Another mutating webhook of the cluster, for the pods of one namespace. */
export interface OtherInjector {
  /** Path of the stand-in: test/e2e/injectors. */
  readonly path: string
  /** Whether its configuration sorts before ours; the API server calls them in the order of their names. */
  readonly first: boolean
  readonly reinvocation: 'Never' | 'IfNeeded'
}

/** Registers it for one namespace, under a name that sorts as asked; `deleteInjectors` removes all. */
export async function registerInjector(namespace: string, { path, first, reinvocation }: OtherInjector): Promise<void> {
  const ca = await kubectl('get', 'configmap', 'authority', '-n', WORLD, '-o', 'jsonpath={.data.ca\\.crt}')
  await apply(WORLD, {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: `${first ? 'a' : 'pod'}-identity-webhook-${namespace}`, labels: { e2e: 'injectors' } },
    webhooks: [
      {
        name: 'injector.e2e.outbound-jwt.io',
        clientConfig: {
          service: { name: 'injectors', namespace: WORLD, path },
          caBundle: Buffer.from(ca).toString('base64'),
        },
        rules: [
          { operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], scope: 'Namespaced' },
        ],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        reinvocationPolicy: reinvocation,
      },
    ],
  })
}

export async function deleteInjectors(): Promise<void> {
  await kubectl('delete', 'mutatingwebhookconfigurations', '-l', 'e2e=injectors', '--ignore-not-found')
}
