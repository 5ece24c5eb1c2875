import { after, before, describe, it } from 'mocha'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { answers, expectVerified, firstAnswers } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, diagnosis, kubectl } from '../support/kubectl.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, container, openShop } from '../support/workload.ts'

const URL = 'https://api.partner.example/orders'
const INTERCEPTING = { ...ASKING, routes: `${ASKING.routes}  https: intercept\n` }

describe('workloads that call https:// URLs', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-https')
    const readOnly = { ...container('application', [URL, '--every', '500']) } as Record<string, unknown>
    readOnly['securityContext'] = { ...(readOnly['securityContext'] as object), readOnlyRootFilesystem: true }
    await Promise.all([
      shop.apply(shop.deployment('orders', { annotations: INTERCEPTING, spec: { containers: [readOnly] } })),
      shop.apply(shop.job('once', { annotations: INTERCEPTING, args: [URL] })),
    ])
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  it('get a verified answer with stock code, after one annotation', async () => {
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'deployment/orders' }))[0]!)
  })

  it('complete as a Job', async () => {
    await kubectl('wait', '-n', shop.namespace, 'job/once', '--for=condition=Complete', '--timeout=90s').catch(
      async (cause: unknown) => {
        throw new Error(`${String(cause)}\n${await diagnosis(shop.namespace)}`, { cause })
      },
    )
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'job/once' }))[0]!)
  })

  it('go on trusting a sidecar that was killed and started again', async () => {
    const where = { namespace: shop.namespace, workload: 'deployment/orders' }
    await firstAnswers(where)
    const kill = ['/nodejs/bin/node', '-e', 'process.kill(1, "SIGTERM")']
    await kubectl('exec', '-n', shop.namespace, where.workload, '-c', PROXY_CONTAINER, '--', ...kill)
    await eventually('the sidecar runs again', async () => (await restarts()) === '1', 60_000)
    const before = (await answers(where)).length
    await eventually(
      'answers after the restart are verified',
      async () => (await answers(where)).slice(before).filter(({ status }) => status === 200).length >= 3,
      60_000,
    )
  })

  const restarts = (): Promise<string> =>
    kubectl(
      ...['get', 'pods', '-n', shop.namespace, '-l', 'app=orders', '-o'],
      `jsonpath={.items[0].status.initContainerStatuses[?(@.name=="${PROXY_CONTAINER}")].restartCount}`,
    )
})
