import { expect } from 'chai'
import { describe, it } from 'mocha'
import { run } from '../../../../webhook/src/cli/run.ts'
import type { Outcome } from '../../../../webhook/src/cli/outcome.ts'
import { KubeError } from '../../../../webhook/src/kube/failure.ts'
import type { Answers } from '../../../support/cli/cluster.ts'
import { fakeCluster } from '../../../support/cli/cluster.ts'
import { NOWHERE } from '../../../support/cli/files.ts'

const NAME = 'aws-outbound-jwt-injector'
const REGISTRATIONS = '/apis/admissionregistration.k8s.io/v1'
const HOOKS = `${REGISTRATIONS}/mutatingwebhookconfigurations`
const WARNINGS = `${REGISTRATIONS}/validatingwebhookconfigurations`
const POLICIES = `${REGISTRATIONS}/validatingadmissionpolicies`
const BINDINGS = `${REGISTRATIONS}/validatingadmissionpolicybindings`
const DEPLOYMENT = `/apis/apps/v1/namespaces/system/deployments/${NAME}`
const PODS = '/api/v1/namespaces/system/pods'
const REPLICAS = `${PODS}?labelSelector=app.kubernetes.io/name%3D${NAME}`
const METRICS = `${PODS}/injector-1:9444/proxy/metrics`
const DRY_RUN = '/api/v1/namespaces/default/pods?dryRun=All'
const GUARDS = ['pods', 'registration', 'running-pods', 'namespace-label'].map((part) => `${NAME}-${part}`)

const items = (...names: readonly string[]): object => ({ items: names.map((name) => ({ metadata: { name } })) })
const entry = {
  name: 'pods.outbound-jwt.io',
  failurePolicy: 'Fail',
  clientConfig: { caBundle: 'YQ==', service: { namespace: 'system' } },
}
const registration = (webhook: object = entry): object => ({ metadata: { name: NAME }, webhooks: [webhook] })
const hooks = (...more: readonly object[]): object => ({
  items: [...more, { metadata: { name: 'pod-identity-webhook' } }],
})
const bindings = (...names: readonly string[]): object => ({
  items: names.map((name) => ({ metadata: { name }, spec: { policyName: name, validationActions: ['Deny'] } })),
})
const deployment = (ready: number): object => ({
  metadata: { labels: { 'app.kubernetes.io/version': '0.1.0' } },
  spec: { replicas: 2 },
  status: { readyReplicas: ready },
})
const metrics = (seconds: number, trusted: number): string =>
  `# HELP a b\noutbound_jwt_certificate_expiry_seconds ${seconds}\noutbound_jwt_certificate_trusted ${trusted}\n`
const admitted = (...env: readonly object[]): object => ({
  spec: { initContainers: [{ name: 'aws-outbound-jwt-proxy', image: 'proxy:1', env }] },
})

const HEALTHY: Answers = {
  '/version': { gitVersion: 'v1.36.3-eks-1' },
  [REGISTRATIONS]: { resources: [{ name: 'validatingadmissionpolicies' }] },
  [HOOKS]: hooks(registration()),
  [WARNINGS]: { items: [registration()] },
  [POLICIES]: items(...GUARDS),
  [BINDINGS]: bindings(...GUARDS),
  [DEPLOYMENT]: deployment(2),
  [REPLICAS]: items('injector-1'),
  [METRICS]: metrics(5_000_000, 1),
  [DRY_RUN]: admitted({ name: 'AWS_ROLE_ARN', value: 'arn:aws:iam::123456789012:role/orders' }),
}

const check = async (answers: Answers, ...args: readonly string[]): Promise<Outcome> =>
  run(['check', ...args], { ...NOWHERE, cluster: () => Promise.resolve(fakeCluster(answers)) })
const marked = (text: string, mark: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`  ${mark} `))
    .join('\n')

/** What somebody broke → what the only line with a × says. */
const SABOTAGES: Readonly<
  Record<string, { readonly change: Answers; readonly says: RegExp; readonly args?: string[] }>
> = {
  'an old cluster': { change: { '/version': { gitVersion: 'v1.31.9' } }, says: /v1\.31\.9 is older than 1\.32/ },
  'policies that are not served': { change: { [REGISTRATIONS]: { resources: [] } }, says: /is not served/ },
  "EKS's hook under a name that sorts first": {
    change: { [HOOKS]: hooks(registration(), { metadata: { name: 'amazon-pod-identity' } }) },
    says: /amazon-pod-identity runs before/,
  },
  'a registration that is gone': {
    // The registration of warnings says where the installation is.
    change: { [HOOKS]: hooks() },
    says: /MutatingWebhookConfiguration aws-outbound-jwt-injector does not exist/,
  },
  'a registration that fails open': {
    change: { [HOOKS]: hooks(registration({ ...entry, failurePolicy: 'Ignore' })) },
    says: /is not Fail/,
  },
  'a caBundle that was wiped': {
    change: { [HOOKS]: hooks(registration({ ...entry, clientConfig: { service: { namespace: 'system' } } })) },
    says: /caBundle of pods\.outbound-jwt\.io is empty/,
  },
  'no replica that is ready': { change: { [DEPLOYMENT]: deployment(0) }, says: /0 of 2 replicas are ready/ },
  'a Deployment that is gone': {
    change: { [DEPLOYMENT]: new KubeError('not-found', 'none') },
    says: /Deployment system\/aws-outbound-jwt-injector does not exist/,
  },
  'a certificate that has expired': {
    change: { [METRICS]: metrics(0, 1) },
    says: /injector-1 has none, or one that has expired/,
  },
  'a certificate that the API server does not know': {
    change: { [METRICS]: metrics(5_000_000, 0) },
    says: /that of injector-1 is not in caBundle/,
  },
  'a policy that cannot be used': {
    change: { [METRICS]: `${metrics(5_000_000, 1)}outbound_jwt_policy_rules 2\noutbound_jwt_policy_current 0\n` },
    says: /injector-1 cannot use the policy as it is now/,
  },
  'a webhook that was scaled to nothing': {
    change: { [DEPLOYMENT]: { ...deployment(0), spec: { replicas: 0 } } },
    says: /0 of 0 replicas are ready/,
  },
  'a webhook that the API server does not reach': {
    change: { [DRY_RUN]: new KubeError('unavailable', 'failed calling webhook "pods.outbound-jwt.io"') },
    says: /refuses it: failed calling webhook/,
  },
  'a namespace that is not served': {
    change: { [DRY_RUN]: { spec: {} } },
    says: /is admitted in namespace default without/,
  },
  'a service account without a role': {
    change: { [DRY_RUN]: admitted() },
    says: /default\/orders has no role/,
    args: ['--service-account', 'orders'],
  },
}

describe('check of an installation', () => {
  it('ticks everything where nothing is wrong', async () => {
    const { status, stdout, stderr } = await check(HEALTHY, '--service-account', 'orders')
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).not.to.match(/^ {2}[‼×-] /m)
    expect(stdout).to.match(/^cluster\n {2}√ Kubernetes v1\.36\.3-eks-1\n/)
    expect(stdout).to.contain('√ injector-1 serves one that expires in 57 days')
    expect(stdout).to.contain('√ default/orders has arn:aws:iam::123456789012:role/orders')
  })

  for (const [name, { change, says, args = [] }] of Object.entries(SABOTAGES))
    it(`finds ${name}, by name and with a fix`, async () => {
      const { status, stdout } = await check({ ...HEALTHY, ...change }, ...args)
      expect(status).to.equal(1)
      expect(marked(stdout, '×').split('\n'), stdout).to.have.lengthOf(1)
      expect(marked(stdout, '×')).to.match(says)
      expect(stdout).to.match(/^ {2}× .*\n {6}fix: .*\n {6}see https:/m)
    })

  it('says in one line that nothing is installed, and what comes first', async () => {
    const { status, stdout } = await check({ ...HEALTHY, [HOOKS]: hooks(), [POLICIES]: items(), [WARNINGS]: items() })
    expect(status).to.equal(1)
    expect(stdout).not.to.match(/^ {2}[‼-] /m)
    expect(marked(stdout, '×')).to.equal('  × the injector is not installed in this cluster')
    expect(stdout).to.contain('`outbound-jwt check --pre`').and.to.contain('--context')
  })

  it('says how many rules are in force, where there is a policy', async () => {
    const { stdout } = await check({
      ...HEALTHY,
      [METRICS]: `${metrics(5_000_000, 1)}outbound_jwt_policy_rules 1\noutbound_jwt_policy_current 1\n`,
    })
    expect(stdout).to.contain('√ injector-1 goes by its 1 rule\n')
  })

  it('warns of what works today', async () => {
    const warnings = async (change: Answers): Promise<string> => {
      const { status, stdout } = await check({ ...HEALTHY, ...change })
      expect(status).to.equal(0)
      return marked(stdout, '‼')
    }
    expect(await warnings({ [DEPLOYMENT]: deployment(1) })).to.contain('1 of 2 replicas are ready')
    const stuck = { ...deployment(2), status: { readyReplicas: 2, updatedReplicas: 1 } }
    expect(await warnings({ [DEPLOYMENT]: stuck })).to.contain('but a rollout has come no further than 1 of 2')
    expect(await warnings({ [METRICS]: metrics(7200, 1) })).to.contain('that of injector-1 expires in 2 hours')
    expect(await warnings({ [BINDINGS]: bindings(...GUARDS.slice(1)) })).to.contain(`${NAME}-pods has no binding`)
    expect(await warnings({ [POLICIES]: items(...GUARDS.slice(1)) })).to.contain(`${NAME}-pods does not exist`)
    expect(await warnings({ [WARNINGS]: items() })).to.contain('nobody is warned when a Deployment or Job is applied')
    expect(await warnings({ [WARNINGS]: { items: [registration({ ...entry, clientConfig: {} })] } })).to.contain(
      `caBundle of ValidatingWebhookConfiguration ${NAME} is empty`,
    )
    expect(await warnings({ [HOOKS]: { items: [registration()] } })).to.contain('there is no pod-identity-webhook')
    const other = { ...deployment(2), metadata: { labels: { 'app.kubernetes.io/version': '0.0.9' } } }
    expect(await warnings({ [DEPLOYMENT]: other })).to.contain('the webhook is of version 0.0.9')
  })

  /** What each question needs → what the fix of the skipped check says. */
  const RIGHTS: readonly (readonly [path: string, right: string])[] = [
    [HOOKS, 'list mutatingwebhookconfigurations in the whole cluster'],
    [WARNINGS, 'list validatingwebhookconfigurations in the whole cluster'],
    [POLICIES, 'list validatingadmissionpolicies in the whole cluster'],
    [BINDINGS, 'list validatingadmissionpolicybindings in the whole cluster'],
    [DEPLOYMENT, 'get deployments in namespace system'],
    [REPLICAS, 'list pods in namespace system'],
    [METRICS, 'get pods/proxy in namespace system'],
    [DRY_RUN, 'create pods in namespace default'],
  ]
  for (const [path, right] of RIGHTS)
    it(`goes on without the right to ${right}, names it, and does not end as if all were fine`, async () => {
      const forbidden = new KubeError('forbidden', 'User "dev" may not', right)
      const { status, stdout } = await check({ ...HEALTHY, [path]: forbidden }, '--service-account', 'orders')
      expect(stdout).not.to.match(/^ {2}× /m)
      expect(stdout).to.match(
        new RegExp(
          `^ {2}- .*User "dev" may not\n {6}fix: Ask an administrator of the cluster for the right to ${right}[.]\n {6}see https:.*#rights$`,
          'm',
        ),
      )
      expect(status).to.equal(69)
    })

  it('leads to the log of a replica whose metrics do not come', async () => {
    const { status, stdout } = await check({
      ...HEALTHY,
      [METRICS]: new KubeError('unavailable', 'connection refused'),
    })
    expect(status).to.equal(69)
    expect(stdout).to.contain(
      '- metrics of injector-1 cannot be read: connection refused\n      fix: kubectl -n system logs injector-1\n',
    )
  })

  it('misses no policy on a registration that the webhook does not write', async () => {
    const mode = (value: string): Answers => ({
      [POLICIES]: items(...GUARDS.filter((name) => !name.endsWith('-registration'))),
      [DEPLOYMENT]: {
        ...deployment(2),
        spec: {
          replicas: 2,
          template: { spec: { containers: [{ name: 'webhook', env: [{ name: 'CERTIFICATE_MODE', value }] }] } },
        },
      },
    })
    for (const value of ['secret', 'cert-manager'])
      expect((await check({ ...HEALTHY, ...mode(value) })).stdout).not.to.match(/^ {2}[‼×-] /m)
    expect((await check({ ...HEALTHY, ...mode('self') })).stdout).to.contain('-registration does not exist')
  })

  it('asks for a pod of the namespace that is named, without keeping it', async () => {
    const path = '/api/v1/namespaces/shop/pods?dryRun=All'
    const cluster = fakeCluster({ ...HEALTHY, [path]: admitted() })
    const world = { ...NOWHERE, cluster: () => Promise.resolve(cluster) }
    const { status } = await run(['check', '-n', 'shop'], world)
    expect(status).to.equal(0)
    expect(cluster.seen).to.have.lengthOf(1)
    expect(JSON.stringify(cluster.seen[0])).to.contain('"outbound-jwt.io/inject":"true"')
  })

  it('ends with 69 when no API server answers', async () => {
    expect(await run(['check'], NOWHERE)).to.deep.equal({
      status: 69,
      stdout: '',
      stderr: 'outbound-jwt: no cluster in the kubeconfig\n',
    })
  })
})

describe('check before an installation', () => {
  const REVIEWS = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const review = (denied: string) => (body: { spec: { resourceAttributes: { resource: string } } }) => ({
    status: { allowed: body.spec.resourceAttributes.resource !== denied },
  })

  it('ticks an empty cluster and an administrator', async () => {
    const { status, stdout } = await check({ ...HEALTHY, [HOOKS]: hooks(), [REVIEWS]: review('nothing') }, '--pre')
    expect(status).to.equal(0)
    expect(stdout).not.to.match(/^ {2}[‼×-] /m)
    expect(stdout).to.contain('√ outbound-jwt-system is free')
  })

  it('finds a right that is missing, and an installation that is there', async () => {
    const { status, stdout } = await check({ ...HEALTHY, [REVIEWS]: review('clusterroles') }, '--pre')
    expect(status).to.equal(1)
    expect(marked(stdout, '×')).to.equal('  × you may not create clusterroles')
    expect(marked(stdout, '‼')).to.contain('is there already')
  })
})
