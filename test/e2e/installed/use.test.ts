import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { eventually } from '../support/eventually.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { applyWithWarnings, completed, deleteNamespaces, kubectl, rolledOut } from '../support/kubectl.ts'
import { ANNOTATION } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, PARTNER_URL, container, openShop } from '../support/workload.ts'

const BILLING_URL = 'http://billing.partner.example/invoices'
const SEVERAL_ROUTES = `- hosts: [api.partner.example]
  audience: [https://api.partner.example]
  ca: {configMap: authority, key: ca.crt}
- hosts: ["billing.partner.example"]
  audience: [https://billing.partner.example, https://many.partner.example]
  signingAlgorithm: ES384
  ca: {configMap: authority, key: ca.crt}
`

describe('annotated workloads', function () {
  let shop: Shop
  let labelled: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-shop')
    labelled = await openShop('outbound-jwt-e2e-labelled', { 'outbound-jwt.io/inject': 'enabled' })
    const once = [PARTNER_URL]
    const job = { ...shop.template({ annotations: ASKING, args: once, spec: {} }) }
    // Everything starts at once; each test then waits for its own.
    await Promise.all([
      shop.apply(shop.deployment('orders', { annotations: ASKING })),
      shop.apply(shop.pod('plain', { args: ['http://127.0.0.1:1/', '--serve'] })),
      shop.apply(shop.pod('early', { annotations: ASKING, spec: { initContainers: [container('migrate', once)] } })),
      shop.apply(
        shop.pod('several', {
          annotations: { ...ASKING, routes: SEVERAL_ROUTES },
          args: [PARTNER_URL, BILLING_URL, '--serve'],
        }),
      ),
      shop.apply({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'once' }, spec: { template: jobPod(job) } }),
      shop.apply({
        apiVersion: 'batch/v1',
        kind: 'CronJob',
        metadata: { name: 'nightly' },
        spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: jobPod(job) } } },
      }),
      labelled.apply(labelled.deployment('orders')),
      labelled.apply(
        labelled.pod('apart', { annotations: { inject: 'false' }, args: ['http://127.0.0.1:1/', '--serve'] }),
      ),
      shop.apply(shop.deployment('mistaken', { annotations: { ...ASKING, duration: '2h' } })),
    ])
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace, labelled.namespace)
  })

  it('get a verified answer: the subject is their role, the audience the partner', async () => {
    const [answer] = await firstAnswers({ namespace: shop.namespace, workload: 'deployment/orders' })
    expectVerified(answer!)
    const [pod] = await podsOf('orders')
    const sidecar = pod?.spec.initContainers?.find(({ name }) => name === PROXY_CONTAINER)
    expect(sidecar).to.include({ restartPolicy: 'Always' })
  })

  it('use several partners, each with a token for it alone', async () => {
    const both = await firstAnswers({ namespace: shop.namespace, workload: 'pod/several' }, 2)
    const [orders, invoices] = [PARTNER_URL, BILLING_URL].map((url) => both.find((answer) => answer.url === url))
    expectVerified(orders!)
    expect(invoices!.status, invoices!.body).to.equal(200)
    const { claims, algorithm } = JSON.parse(invoices!.body) as { claims: { aud: string[] }; algorithm: string }
    expect(claims.aud).to.deep.equal(['https://billing.partner.example', 'https://many.partner.example'])
    expect(algorithm).to.equal('ES384')
  })

  it('need no annotation in a namespace that opted in, and may opt out', async () => {
    const [answer] = await firstAnswers({ namespace: labelled.namespace, workload: 'deployment/orders' })
    expectVerified(answer!)
    const apart = await kubectl('get', 'pod', 'apart', '-n', labelled.namespace, '-o', 'json')
    expect(apart).not.to.match(/outbound-jwt-proxy|HTTP_PROXY/)
  })

  it('use the proxy in init containers', async () => {
    const [answer] = await firstAnswers({ namespace: shop.namespace, workload: 'pod/early', container: 'migrate' })
    expectVerified(answer!)
  })

  it('complete as a Job', async () => {
    await completed(shop.namespace, 'once')
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'job/once' }))[0]!)
  })

  it('complete as a CronJob', async () => {
    await kubectl('create', 'job', '-n', shop.namespace, 'nightly-now', '--from=cronjob/nightly')
    await completed(shop.namespace, 'nightly-now')
  })

  it('do not change when their manifest is applied again', async () => {
    const before = await podsOf('orders')
    await shop.apply(shop.deployment('orders', { annotations: ASKING }))
    await rolledOut(shop.namespace, 'orders')
    expect(await podsOf('orders')).to.deep.equal(before)
    const sets = await kubectl('get', 'replicasets', '-n', shop.namespace, '-l', 'app=orders', '-o', 'name')
    expect(sets.trim().split('\n')).to.have.lengthOf(1)
  })

  it('are refused with every reason when they are wrong, and say so to kubectl', async () => {
    const refusal = await shop
      .apply(shop.pod('wrong', { annotations: { ...ASKING, duration: '2h', unmatched: 'maybe' } }))
      .catch(String)
    for (const part of [`${ANNOTATION}duration`, '2h', `${ANNOTATION}unmatched`, 'maybe'])
      expect(refusal).to.include(part)
  })

  it('are refused in the events of their ReplicaSet, where the author of a Deployment looks', async () => {
    const events = async (): Promise<string> =>
      kubectl(
        'get',
        'events',
        '-n',
        shop.namespace,
        '--field-selector',
        'reason=FailedCreate',
        '-o',
        'jsonpath={..message}',
      )
    await eventually(
      'an event names the annotation',
      async () => (await events()).includes(`${ANNOTATION}duration`),
      30_000,
    )
  })

  it('are warned of annotations on the wrong object', async () => {
    const deployment = shop.deployment('unasked') as { metadata: Record<string, unknown> }
    deployment.metadata['annotations'] = { [`${ANNOTATION}inject`]: 'true' }
    const warnings = await applyWithWarnings(shop.namespace, deployment)
    expect(warnings).to.match(/Warning: .*outbound-jwt\.io/)
  })

  it('are refused when nobody gives them credentials', async () => {
    const { inject, routes } = ASKING
    const refusal = await shop.apply(shop.pod('nobody', { annotations: { inject, routes } })).catch(String)
    expect(refusal).to.match(/no AWS role for service account/)
  })

  it('are the only ones touched', async () => {
    const [pod] = await podsOf('plain')
    expect(JSON.stringify(pod)).not.to.match(/outbound-jwt-proxy|HTTP_PROXY|outbound-jwt\.io/i)
  })

  async function podsOf(app: string): Promise<readonly Pod[]> {
    const list = await kubectl('get', 'pods', '-n', shop.namespace, '-l', `app=${app}`, '-o', 'json')
    return (JSON.parse(list) as { items: Pod[] }).items
  }
})

interface Pod {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[] }
}

function jobPod({ metadata, spec }: ReturnType<Shop['template']>): object {
  return { metadata, spec: { ...spec, restartPolicy: 'Never' } }
}
