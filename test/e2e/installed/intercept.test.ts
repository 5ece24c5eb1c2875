import { after, before, describe, it } from 'mocha'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { answers, expectVerified, firstAnswers, lines, printed } from '../support/answers.ts'
import type { LogSource } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { completed, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import type { PodOptions, Shop } from '../support/workload.ts'
import { ASKING, client, container, once, openShop } from '../support/workload.ts'

const URL = 'https://api.partner.example/orders'
const INTERCEPTING = { ...ASKING, routes: `${ASKING.routes}  https: intercept\n` }

/** Programs of the client matrix by the name of their container: what calls, and what goes on calling in one process. */
const CLIENTS = {
  requests: [
    ['python', 'requests_client.py'],
    ['python', 'loop.py', 'requests_client.py'],
  ],
  java: [
    ['java', '-cp', '.', 'Client'],
    ['java', '-cp', '.', 'Loop'],
  ],
  grpc: [
    ['python', 'grpcio_client.py'],
    ['python', 'loop.py', 'grpcio_client.py'],
  ],
} as const
const NAMES = Object.keys(CLIENTS) as (keyof typeof CLIENTS)[]
const calling = (command: (name: keyof typeof CLIENTS) => readonly string[]): PodOptions => ({
  annotations: { ...INTERCEPTING, runtimes: 'node,java' },
  spec: { containers: NAMES.map((name) => client(name, command(name))) },
})

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
      shop.apply(
        shop.deployment(
          'clients',
          calling((name) => [...CLIENTS[name][1], URL]),
        ),
      ),
      shop.apply(
        shop.job(
          'clients-once',
          calling((name) => once([...CLIENTS[name][0], URL])),
        ),
      ),
    ])
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  it('get a verified answer with stock code, after one annotation', async () => {
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'deployment/orders' }))[0]!)
  })

  it('complete as a Job', async () => {
    await completed(shop.namespace, 'once')
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'job/once' }))[0]!)
  })

  for (const name of NAMES)
    it(`get a verified answer with ${name}, whose code knows nothing of the sidecar`, () =>
      printed(source('deployment/clients', name), /^status 200/))

  it('get verified answers in a Job with all of them, which completes', () => completed(shop.namespace, 'clients-once'))

  it('go on trusting a sidecar that was killed and started again, whatever they are written in', async () => {
    await Promise.all(NAMES.map((name) => printed(source('deployment/clients', name), /^status 200/)))
    await killSidecar('clients')
    for (const name of NAMES) {
      const before = (await lines(source('deployment/clients', name))).length
      await eventually(
        `calls of ${name} after the restart are verified`,
        async () =>
          (await lines(source('deployment/clients', name))).slice(before).filter((line) => line === 'status 200')
            .length >= 3,
        60_000,
      )
    }
  })

  it('go on trusting a sidecar that was killed and started again', async () => {
    const where = { namespace: shop.namespace, workload: 'deployment/orders' }
    await firstAnswers(where)
    await killSidecar('orders')
    const before = (await answers(where)).length
    await eventually(
      'answers after the restart are verified',
      async () => (await answers(where)).slice(before).filter(({ status }) => status === 200).length >= 3,
      60_000,
    )
  })

  const source = (workload: string, name: string): LogSource => ({
    namespace: shop.namespace,
    workload,
    container: name,
  })

  async function killSidecar(deployment: string): Promise<void> {
    const kill = ['/nodejs/bin/node', '-e', 'process.kill(1, "SIGTERM")']
    await kubectl('exec', '-n', shop.namespace, `deployment/${deployment}`, '-c', PROXY_CONTAINER, '--', ...kill)
    await eventually('the sidecar runs again', async () => (await restarts(deployment)) === '1', 60_000)
  }

  const restarts = (deployment: string): Promise<string> =>
    kubectl(
      ...['get', 'pods', '-n', shop.namespace, '-l', `app=${deployment}`, '-o'],
      `jsonpath={.items[0].status.initContainerStatuses[?(@.name=="${PROXY_CONTAINER}")].restartCount}`,
    )
})
