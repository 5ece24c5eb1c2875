import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { dryRun } from '../support/dry-run.ts'
import { pod, podSpec, prefixed, sidecar } from '../support/guard.ts'
import { createNamespace, deleteNamespaces } from '../support/kubectl.ts'
import { SYSTEM } from '../support/names.ts'

/** The webhook does not change the pods of its own namespace. */
const NAMESPACE = SYSTEM
const OPTED_IN = 'outbound-jwt-guard-opted-in'
const ASKED = { inject: 'true', hosts: 'api.partner.example' }
const ACTIVE_LIMIT_MS = 30_000

interface Places {
  /** Annotations and labels of the pod template; names without prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** Annotations and labels of the workload itself. */
  readonly ownAnnotations?: Readonly<Record<string, string>>
  readonly ownLabels?: Readonly<Record<string, string>>
}

const KINDS = {
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
} as const

function workload(kind: keyof typeof KINDS, places: Places): object {
  const { annotations = {}, labels = {}, ownAnnotations = {}, ownLabels = {} } = places
  const isJob = kind === 'Job' || kind === 'CronJob'
  const template = {
    metadata: { labels: { app: 'orders', ...prefixed(labels) }, annotations: prefixed(annotations) },
    spec: { ...podSpec(), ...(isJob && { restartPolicy: 'Never' }) },
  }
  const spec = isJob ? { template } : { selector: { matchLabels: { app: 'orders' } }, template }
  return {
    apiVersion: KINDS[kind],
    kind,
    metadata: { name: 'orders', annotations: prefixed(ownAnnotations), labels: prefixed(ownLabels) },
    spec: kind === 'CronJob' ? { schedule: '0 * * * *', jobTemplate: { spec } } : spec,
  }
}

const namespace = (metadata: object): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: 'outbound-jwt-guard-new', ...metadata },
})
const labelled = (value: string): object => namespace({ labels: { 'outbound-jwt.io/inject': value } })

const EVERYTHING = {
  inject: 'enabled',
  hosts: 'api.partner.example, *.partner.example:8443',
  audience: 'https://api.partner.example',
  duration: '15m',
  'signing-algorithm': 'ES384',
  tags: 'team=orders',
  https: 'intercept',
  'role-arn': 'arn:aws-us-gov:iam::123456789012:role/path/orders+1@x',
  region: 'us-gov-west-1',
  containers: 'application',
  unmatched: 'deny',
  'no-proxy': '.internal',
  'extra-ca': 'corporate-ca/ca.crt',
  'env-policy': 'keep',
  runtimes: 'node, java',
  'proxy-port': '15500',
  'admin-port': '15501',
  'log-level': 'debug',
  'cpu-request': '20m',
  'cpu-limit': '1',
  'memory-request': '96Mi',
  'memory-limit': '128Mi',
  status: '{"version":"0.1.0","inputs":"0123456789abcdef","warnings":[]}',
}

const SILENT: readonly (readonly [what: string, object])[] = [
  ...Object.keys(KINDS).map(
    (kind) =>
      [`a ${kind} with good annotations`, workload(kind as keyof typeof KINDS, { annotations: ASKED })] as const,
  ),
  ['a Deployment with none of ours', workload('Deployment', { ownAnnotations: { 'example.com/x': 'y' } })],
  ['a Deployment with every annotation', workload('Deployment', { annotations: EVERYTHING })],
  ['a pod with good annotations', pod(ASKED, podSpec([sidecar()]))],
  ['a namespace that is opted in', labelled('enabled')],
  ['a namespace that is opted out', labelled('false')],
]

const WARNED: readonly (readonly [what: string, object, warning: string])[] = [
  ...Object.keys(KINDS).map(
    (kind) =>
      [
        `annotations on a ${kind} itself`,
        workload(kind as keyof typeof KINDS, { ownAnnotations: ASKED }),
        `on a ${kind} has no effect: annotate its pods, at spec.${kind === 'CronJob' ? 'jobTemplate.spec.' : ''}template.metadata.annotations`,
      ] as const,
  ),
  [
    'a label of a pod template',
    workload('Deployment', { labels: { inject: 'true' } }),
    'outbound-jwt.io/inject as a label has no effect',
  ],
  [
    'a label of a workload',
    workload('CronJob', { ownLabels: { inject: 'true' } }),
    'outbound-jwt.io/inject as a label has no effect',
  ],
  [
    'a label of a pod',
    { ...pod({}, podSpec()), metadata: { name: 'orders', labels: prefixed({ inject: 'true' }) } },
    'as a label has no effect',
  ],
  [
    'an unknown annotation',
    workload('Job', { annotations: { ...ASKED, host: 'x' } }),
    'outbound-jwt.io/host is not known',
  ],
  [
    'a wrong value',
    workload('Deployment', { annotations: { ...ASKED, inject: 'yes' } }),
    'outbound-jwt.io/inject must match',
  ],
  [
    'every wrong value at once',
    workload('CronJob', { annotations: { ...ASKED, duration: '1 hour', region: 'Frankfurt' } }),
    'outbound-jwt.io/duration must match ^[0-9]+[smh]?$; outbound-jwt.io/region must match',
  ],
  [
    'a missing inject',
    workload('StatefulSet', { annotations: { hosts: 'api.partner.example' } }),
    'without outbound-jwt.io/inject',
  ],
  [
    'two ways to name partners',
    workload('DaemonSet', { annotations: { ...ASKED, routes: '[]' } }),
    'outbound-jwt.io/routes stands instead of hosts',
  ],
  [
    'an annotation of a namespace',
    namespace({ annotations: prefixed({ inject: 'enabled' }) }),
    'a Namespace takes the label',
  ],
  ['a wrong label of a namespace', labelled('yes'), 'label outbound-jwt.io/inject=yes of the namespace has no effect'],
]

describe('the guard of workloads', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(OPTED_IN)
    await createNamespace(OPTED_IN, { 'outbound-jwt.io/inject': 'enabled' })
    const [, object] = WARNED[0]!
    const warns = async (): Promise<boolean> => (await dryRun(NAMESPACE, object)).warnings.length > 0
    await eventually('the policy is in force', warns, ACTIVE_LIMIT_MS)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(OPTED_IN)
  })

  for (const [what, object] of SILENT)
    it(`says nothing about ${what}`, async () =>
      expect(await dryRun(NAMESPACE, object)).to.deep.equal({ refused: undefined, warnings: [] }))

  for (const [what, object, warning] of WARNED)
    it(`warns of ${what}`, async () => {
      const { refused, warnings } = await dryRun(NAMESPACE, object)
      expect(refused).to.equal(undefined)
      expect(warnings).to.have.lengthOf(1)
      expect(warnings[0]).to.include(warning)
    })

  it('says nothing about the label that the webhook writes', async () => {
    const object = {
      ...pod({}, podSpec([sidecar()])),
      metadata: { name: 'orders', labels: prefixed({ injected: 'true' }) },
    }
    expect((await dryRun(NAMESPACE, object)).warnings).to.deep.equal([])
  })

  it('knows that a namespace has opted its pods in', async () => {
    const object = workload('Deployment', { annotations: { hosts: 'api.partner.example' } })
    expect((await dryRun(OPTED_IN, object)).warnings).to.deep.equal([])
  })
})
