import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import { RELEASE, renderChart } from '../support/chart/render.ts'
import { isInstalled, runTool } from '../support/chart/tools.ts'
import { CHART } from '../support/chart/values.ts'
import { until } from '../support/until.ts'
import { dryRun } from './support/dry-run.ts'
import { pod, podSpec } from './support/guard.ts'
import { createNamespace, kubectl, rolledOut } from './support/kubectl.ts'

const SYSTEM = 'outbound-jwt-e2e-chart'
const SHOP = 'outbound-jwt-e2e-chart-shop'
const LABELS = { 'outbound-jwt-test': 'chart' }
const SELECTOR = 'namespaceSelector.matchLabels.outbound-jwt-test=chart'
/** The images of test/e2e/images, and only the pods of this test. */
const VALUES = [
  'image.tag=e2e',
  'sidecar.image.tag=e2e',
  `webhook.${SELECTOR}`,
  `guard.${SELECTOR}`,
  `test.namespace=${SHOP}`,
]
const SET = VALUES.flatMap((value) => ['--set', value])
const IN_SYSTEM = ['--namespace', SYSTEM]
const ACTIVE_LIMIT_MS = 30_000

const helm = (...args: readonly string[]): string => runTool('helm', args)

describe('the chart on a real API server', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined || !isInstalled('helm')) this.skip()
    await cleanUp()
    await Promise.all([createNamespace(SYSTEM), createNamespace(SHOP, LABELS)])
    helm('install', RELEASE, CHART, ...IN_SYSTEM, ...SET)
    await rolledOut(SYSTEM, RELEASE)
    const refuses = async (): Promise<boolean> =>
      (await dryRun(SHOP, pod({ inject: 'true', hosts: 'api.partner.example' }, podSpec()))).refused !== undefined
    await until('the guard is in force', refuses, ACTIVE_LIMIT_MS)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined && isInstalled('helm')) await cleanUp()
  })

  it('passes its own helm test', () => {
    expect(helm('test', RELEASE, ...IN_SYSTEM, '--logs')).to.include(
      `a pod in namespace ${SHOP} gets ${PROXY_CONTAINER}`,
    )
  })

  it('admits a pod with a role of its own', async () => {
    expect((await dryRun(SHOP, examplePod('private-ca.yaml'))).refused).to.equal(undefined)
  })

  it('refuses a pod whose service account has no role, and names it', async () => {
    const { refused } = await dryRun(SHOP, pod({ inject: 'true', hosts: 'api.partner.example' }, podSpec()))
    expect(refused).to.include(`service account ${SHOP}/default has no role`)
  })

  it('refuses a misspelt annotation, and knows the right one', async () => {
    const { refused } = await dryRun(SHOP, pod({ inject: 'true', host: 'api.partner.example' }, podSpec()))
    expect(refused).to.include('did you mean outbound-jwt.io/hosts?')
  })

  it('keeps the webhook’s caBundle through an upgrade', async () => {
    const before = await caBundles()
    helm('upgrade', RELEASE, CHART, ...IN_SYSTEM, ...SET, '--set', 'webhook.timeoutSeconds=4')
    await rolledOut(SYSTEM, RELEASE)
    expect(before).to.match(/^LS0t/)
    expect(await caBundles()).to.equal(before)
  })

  it('leaves nothing that a GitOps tool would call drift', async () => {
    const rendered = renderChart([...SET, '--set', 'webhook.timeoutSeconds=4'], SYSTEM)
    expect(runTool('kubectl', ['diff', '--server-side', '--force-conflicts', '-f', '-'], rendered)).to.equal('')
    await rolledOut(SYSTEM, RELEASE)
  })

  it('goes without a trace but its Secret, and annotated pods are free', async () => {
    helm('uninstall', RELEASE, ...IN_SYSTEM, '--wait')
    const kinds =
      'mutatingwebhookconfiguration,validatingadmissionpolicy,validatingadmissionpolicybinding,clusterrole,clusterrolebinding'
    const label = `app.kubernetes.io/instance=${RELEASE}`
    expect(await kubectl('get', kinds, '-l', label, '-o', 'name')).to.equal('')
    expect(
      await kubectl(
        'get',
        'deployment,service,serviceaccount,role,rolebinding,poddisruptionbudget',
        '-n',
        SYSTEM,
        '-l',
        label,
        '-o',
        'name',
      ),
    ).to.equal('')
    const free = async (): Promise<boolean> =>
      (await dryRun(SHOP, pod({ inject: 'true' }, podSpec()))).refused === undefined
    await until('nothing stands in the way of pods', free, ACTIVE_LIMIT_MS)
  })
})

/** The pod that a Deployment of an example makes. */
function examplePod(file: string): object {
  const documents = parseAllDocuments(readFileSync(`manifests/examples/${file}`, 'utf8'))
  const deployment = documents.find((document) => document.get('kind') === 'Deployment')
  const template = (deployment?.toJS() as { spec: { template: { metadata: object; spec: object } } }).spec.template
  // A dry-run does not need the service account of the example.
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, name: 'orders' },
    spec: { ...template.spec, serviceAccountName: 'default' },
  }
}

const caBundles = (): Promise<string> =>
  kubectl('get', 'mutatingwebhookconfiguration', RELEASE, '-o', 'jsonpath={.webhooks[*].clientConfig.caBundle}')

async function cleanUp(): Promise<void> {
  helm('uninstall', RELEASE, ...IN_SYSTEM, '--ignore-not-found', '--wait')
  await kubectl('delete', 'namespace', SHOP, SYSTEM, '--ignore-not-found', '--timeout=90s')
}
