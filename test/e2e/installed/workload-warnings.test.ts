import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { dryRun } from '../support/dry-run.ts'
import { RESTRICTED, pod, podSpec, prefixed, sidecar } from '../support/guard.ts'
import type { Variable } from '../support/guard.ts'
import { apply, createNamespace, deleteNamespaces } from '../support/kubectl.ts'
import { SYSTEM } from '../support/names.ts'

/** The webhook does not come to its own namespace: what is said there is said by the policy. */
const UNSERVED = SYSTEM
const SERVED = 'outbound-jwt-warned'
const OPTED_IN = 'outbound-jwt-warned-opted-in'
const ASKED = { inject: 'true', hosts: 'api.partner.example' }
const ACTIVE_LIMIT_MS = 30_000

const execute = promisify(execFile)

interface Places {
  /** Annotations and labels of the pod template; names without prefix. */
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  /** Annotations and labels of the workload itself. */
  readonly ownAnnotations?: Readonly<Record<string, string>>
  readonly ownLabels?: Readonly<Record<string, string>>
  readonly env?: readonly Variable[]
}

const KINDS = {
  Deployment: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ReplicaSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
} as const

function workload(kind: keyof typeof KINDS, places: Places): object {
  const { annotations = {}, labels = {}, ownAnnotations = {}, ownLabels = {}, env = [] } = places
  const isJob = kind === 'Job' || kind === 'CronJob'
  const template = {
    metadata: { labels: { app: 'orders', ...prefixed(labels) }, annotations: prefixed(annotations) },
    spec: {
      containers: [{ name: 'application', image: 'registry.example/orders:1', securityContext: RESTRICTED, env }],
      ...(isJob && { restartPolicy: 'Never' }),
    },
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
}

const SILENT: readonly (readonly [what: string, object])[] = [
  ...Object.keys(KINDS).map(
    (kind) =>
      [`a ${kind} with good annotations`, workload(kind as keyof typeof KINDS, { annotations: ASKED })] as const,
  ),
  ['a Deployment with none of ours', workload('Deployment', { ownAnnotations: { 'example.com/x': 'y' } })],
  ['a Deployment with every annotation', workload('Deployment', { annotations: EVERYTHING })],
]

const WARNED: readonly (readonly [what: string, object, ...warnings: readonly string[]])[] = [
  ...Object.keys(KINDS).map(
    (kind) =>
      [
        `an annotation on a ${kind} itself`,
        workload(kind as keyof typeof KINDS, { ownAnnotations: { inject: 'true' } }),
        `has no effect: write it at spec.${kind === 'CronJob' ? 'jobTemplate.spec.' : ''}template.metadata.annotations`,
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
    'an unknown annotation',
    workload('Job', { annotations: { ...ASKED, host: 'x' } }),
    'its pods will be refused: outbound-jwt.io/host: got "x", expected a known annotation; did you mean outbound-jwt.io/hosts?',
  ],
  [
    'a host that is a URL',
    workload('Deployment', { annotations: { ...ASKED, hosts: 'https://api.partner.example/' } }),
    'did you mean api.partner.example?',
  ],
  [
    'every wrong value at once',
    workload('CronJob', { annotations: { ...ASKED, duration: '1 hour', region: 'Frankfurt' } }),
    'outbound-jwt.io/duration: got "1 hour"',
    'outbound-jwt.io/region: got "Frankfurt"',
  ],
  [
    'a missing inject',
    workload('StatefulSet', { annotations: { hosts: 'api.partner.example' } }),
    'outbound-jwt.io/inject: is missing',
  ],
  [
    'an https:// URL that would get no token',
    workload('Deployment', { annotations: ASKED, env: [{ name: 'PARTNER', value: 'https://api.partner.example/v1' }] }),
    'env[PARTNER] has an https:// URL of api.partner.example',
  ],
]

const SAID_BY_POLICY: readonly (readonly [what: string, object, warning: string])[] = [
  [
    'a label of a pod',
    { ...pod({}, podSpec()), metadata: { name: 'orders', labels: prefixed({ inject: 'true' }) } },
    'as a label of a pod has no effect',
  ],
  [
    'an annotation of a namespace',
    namespace({ annotations: prefixed({ inject: 'enabled' }) }),
    'a Namespace takes the label',
  ],
  ['a wrong label of a namespace', labelled('yes'), 'label outbound-jwt.io/inject=yes of the namespace has no effect'],
]

const SILENT_BY_POLICY: readonly (readonly [what: string, object])[] = [
  ['a pod with good annotations', pod(ASKED, podSpec([sidecar()]))],
  ['a namespace that is opted in', labelled('enabled')],
  ['a namespace that is opted out', labelled('false')],
]

describe('warnings of workloads', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(SERVED, OPTED_IN)
    await Promise.all([createNamespace(SERVED), createNamespace(OPTED_IN, { 'outbound-jwt.io/inject': 'enabled' })])
    const [, object] = WARNED[0]!
    const warns = async (): Promise<boolean> => (await dryRun(SERVED, object)).warnings.length > 0
    await eventually('the warnings come', warns, ACTIVE_LIMIT_MS)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(SERVED, OPTED_IN)
  })

  for (const [what, object] of SILENT)
    it(`are none about ${what}`, async () =>
      expect(await dryRun(SERVED, object)).to.deep.equal({ refused: undefined, warnings: [] }))

  for (const [what, object, ...expected] of WARNED)
    it(`tell of ${what}`, async () => {
      const { refused, warnings } = await dryRun(SERVED, object)
      expect(refused).to.equal(undefined)
      expect(warnings).to.have.lengthOf(expected.length)
      for (const [index, warning] of expected.entries()) expect(warnings[index]).to.include(warning)
    })

  it('come when a workload is changed, as kubectl prints them', async () => {
    await apply(SERVED, workload('Deployment', { annotations: ASKED }))
    const wrong = { spec: { template: { metadata: { annotations: prefixed({ duration: '2h' }) } } } }
    const patch = ['patch', 'deployment', 'orders', '-n', SERVED, '--dry-run=server', '-p', JSON.stringify(wrong)]
    const { stdout, stderr } = await execute('kubectl', patch)
    expect(stdout).to.match(/patched/)
    expect(stderr).to.match(/^Warning: its pods will be refused: outbound-jwt\.io\/duration: got "2h", expected /)
  })

  it('are not asked for where a controller makes the workload', async () => {
    const owner = { apiVersion: 'batch/v1', kind: 'CronJob', name: 'orders', uid: 'u', controller: true }
    const { metadata, ...job } = workload('Job', { ownAnnotations: ASKED }) as { metadata: object }
    const owned = { ...job, metadata: { ...metadata, ownerReferences: [owner] } }
    expect((await dryRun(SERVED, owned)).warnings).to.deep.equal([])
  })

  it('know that a namespace has opted its pods in', async () => {
    const object = workload('Deployment', { annotations: { hosts: 'api.partner.example' } })
    expect((await dryRun(OPTED_IN, object)).warnings).to.deep.equal([])
    const wrong = workload('Deployment', { annotations: { hosts: '10.0.0.1' } })
    expect((await dryRun(OPTED_IN, wrong)).warnings[0]).to.include('its pods will be refused: outbound-jwt.io/hosts[0]')
  })
})

describe('the policy of the namespace label', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    const [, object] = SAID_BY_POLICY[0]!
    const warns = async (): Promise<boolean> => (await dryRun(UNSERVED, object)).warnings.length > 0
    await eventually('the policy is in force', warns, ACTIVE_LIMIT_MS)
  })

  for (const [what, object] of SILENT_BY_POLICY)
    it(`says nothing about ${what}`, async () =>
      expect(await dryRun(UNSERVED, object)).to.deep.equal({ refused: undefined, warnings: [] }))

  for (const [what, object, warning] of SAID_BY_POLICY)
    it(`warns of ${what}`, async () => {
      const { refused, warnings } = await dryRun(UNSERVED, object)
      expect(refused).to.equal(undefined)
      expect(warnings).to.have.lengthOf(1)
      expect(warnings[0]).to.include(warning)
    })

  it('says nothing about the label that the webhook writes', async () => {
    const object = {
      ...pod({}, podSpec([sidecar()])),
      metadata: { name: 'orders', labels: prefixed({ injected: 'true' }) },
    }
    expect((await dryRun(UNSERVED, object)).warnings).to.deep.equal([])
  })
})
