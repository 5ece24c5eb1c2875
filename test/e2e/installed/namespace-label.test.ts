import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { installChart } from '../support/chart.ts'
import { dryRun } from '../support/dry-run.ts'
import { eventually } from '../support/eventually.ts'
import { pod, podSpec } from '../support/guard.ts'
import { createNamespace, deleteNamespaces } from '../support/kubectl.ts'

const LABELLED = 'outbound-jwt-guard-labelled'
const LABEL = { 'outbound-jwt.io/inject': 'enabled' }
const NO_EFFECT =
  'label outbound-jwt.io/inject=enabled of the namespace has no effect: namespaceOptIn.enabled of the chart is off'
const NO_SIDECAR = 'the pod has no sidecar, although its namespace is labelled outbound-jwt.io/inject=enabled'
const ACTIVE_LIMIT_MS = 30_000

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'orders' },
  spec: {
    selector: { matchLabels: { app: 'orders' } },
    template: { metadata: { labels: { app: 'orders' } }, spec: podSpec() },
  },
}
const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'outbound-jwt-guard-new', labels: LABEL } }

describe('the label of a namespace', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(LABELLED)
    await createNamespace(LABELLED, LABEL)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await installChart()
    await deleteNamespaces(LABELLED)
  })

  const warnings = async (object: object): Promise<string> => (await dryRun(LABELLED, object)).warnings.join('\n')

  describe('while the chart does not count it', () => {
    before(async () => {
      await installChart({ namespaceOptIn: { enabled: false } })
      await eventually('the policy is in force', async () => (await warnings(namespace)) !== '', ACTIVE_LIMIT_MS)
    })

    for (const [what, object] of Object.entries({ namespace, Deployment: deployment, pod: pod({}, podSpec()) }))
      it(`is said to have no effect on a ${what}`, async () => expect(await warnings(object)).to.include(NO_EFFECT))

    it('is no news to a pod that opted out', async () =>
      expect(await warnings(pod({ inject: 'false' }, podSpec()))).to.equal(''))
  })

  describe('where the chart counts it and the webhook does not come', () => {
    before(async () => {
      await installChart({ webhook: { namespaceSelector: { matchLabels: { served: 'yes' } } } })
      await eventually('the policy is in force', async () => (await warnings(namespace)) === '', ACTIVE_LIMIT_MS)
    })

    it('is not silent about a pod that has no sidecar', async () =>
      expect(await warnings(pod({}, podSpec()))).to.include(NO_SIDECAR))

    it('is no news to a pod that opted out', async () =>
      expect(await warnings(pod({ inject: 'false' }, podSpec()))).to.equal(''))
  })
})
