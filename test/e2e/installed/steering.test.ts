import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, diagnosis, kubectl } from '../support/kubectl.ts'
import { PARTNER_SERVICE } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, container, openShop } from '../support/workload.ts'

const URLS = [`https://${PARTNER_SERVICE}/orders`, `http://${PARTNER_SERVICE}/orders`]
const STEERED = {
  ...ASKING,
  steering: 'hosts',
  routes: ASKING.routes.replace('[api.partner.example]', `[${PARTNER_SERVICE}]`) + '  https: intercept\n',
}
/** A server in the application's container, which takes the place of its program. */
const listening = (port: number): object => ({
  ...container('application'),
  command: ['/nodejs/bin/node', '-e', `require('node:http').createServer().listen(${port})`],
  args: [],
})

describe('workloads whose partner’s name leads to their own pod', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-steering')
    await Promise.all([
      shop.apply(shop.deployment('orders', { annotations: STEERED, args: [...URLS, '--serve'] })),
      shop.apply(shop.job('once', { annotations: STEERED, args: URLS })),
    ])
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  const environment = async (workload: string): Promise<string> =>
    kubectl(
      'get',
      '-n',
      shop.namespace,
      'pods',
      '-l',
      `app=${workload}`,
      '-o',
      'jsonpath={.items[*].spec.containers[*].env}',
    )

  it('get verified answers by both schemes, without a proxy variable, in a restricted namespace', async () => {
    const found = await firstAnswers({ namespace: shop.namespace, workload: 'deployment/orders' }, URLS.length)
    expect(found.map(({ url }) => url)).to.have.members(URLS)
    found.forEach((answer) => expectVerified(answer))
    expect(await environment('orders')).not.to.match(/_PROXY/i)
  })

  it('complete as a Job', async () => {
    await kubectl('wait', '-n', shop.namespace, 'job/once', '--for=condition=Complete', '--timeout=90s').catch(
      async (cause: unknown) => {
        throw new Error(`${String(cause)}\n${await diagnosis(shop.namespace)}`, { cause })
      },
    )
    const found = await firstAnswers({ namespace: shop.namespace, workload: 'job/once' }, URLS.length)
    found.forEach((answer) => expectVerified(answer))
  })

  it('may listen on ports of their own', async () => {
    await shop.apply(shop.pod('server', { annotations: STEERED, spec: { containers: [listening(8080)] } }))
    await kubectl('wait', '-n', shop.namespace, 'pod/server', '--for=condition=Ready', '--timeout=90s')
  })

  it('are refused with a port that the sidecar needs', async () => {
    const declared = { ...listening(443), ports: [{ containerPort: 443 }] }
    const refused = await shop
      .apply(shop.pod('declared', { annotations: STEERED, spec: { containers: [declared] } }))
      .then(() => '', String)
    expect(refused).to.include('port-conflict').and.to.include('443')
  })

  it('fail by themselves with such a port that they do not declare, because the sidecar has it first', async () => {
    await shop.apply(shop.pod('undeclared', { annotations: STEERED, spec: { containers: [listening(443)] } }))
    const log = (): Promise<string> =>
      kubectl('logs', '-n', shop.namespace, 'pod/undeclared', '-c', 'application').catch(() => '')
    await eventually('the application says so', async () => (await log()).includes('EADDRINUSE'), 60_000)
  })
})
