import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { expectVerified, firstAnswers, printed } from '../support/answers.ts'
import { eventually } from '../support/eventually.ts'
import { completed, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { deleteInjectors, registerInjector } from '../support/injector.ts'
import { PARTNER_SERVICE } from '../support/names.ts'
import type { PodOptions, Shop } from '../support/workload.ts'
import { ASKING, client, container, once, openShop } from '../support/workload.ts'

const URL = `https://${PARTNER_SERVICE}/orders`
const URLS = [URL, `http://${PARTNER_SERVICE}/orders`]
const STEERED = {
  ...ASKING,
  steering: 'hosts',
  routes: ASKING.routes.replace('[api.partner.example]', `[${PARTNER_SERVICE}]`) + '  https: intercept\n',
}
/** Stock code that takes no proxy variable, by the name of its container: each prints the status of the partner. */
const CLIENTS = {
  aiohttp: ['python', 'aiohttp_client.py', 'plain', URL],
  node20: ['node20', 'node-fetch.mjs', URL],
  'php-streams': ['php', 'fopen.php', URL],
  'ipv6-alone': [
    'node',
    '-e',
    `https.get('${URL}', { family: 6 }, (answer) => console.log('status', answer.resume().statusCode))`,
  ],
  'perl-lwp': ['perl', 'lwp.pl', 'plain', URL],
} as const
const NAMES = Object.keys(CLIENTS) as (keyof typeof CLIENTS)[]
const calling = (...names: readonly (keyof typeof CLIENTS)[]): PodOptions => ({
  annotations: STEERED,
  spec: { restartPolicy: 'OnFailure', containers: names.map((name) => client(name, once(CLIENTS[name]))) },
})
/** A mesh that starts before the sidecar, and one that starts after it. */
const MESHES = {
  'outbound-jwt-e2e-steering-istio': '/istio/native',
  'outbound-jwt-e2e-steering-linkerd': '/linkerd/classic',
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
    for (const [namespace, path] of Object.entries(MESHES)) {
      const mesh = await openShop(namespace)
      await registerInjector(namespace, { path, first: true, reinvocation: 'IfNeeded' })
      await mesh.apply(mesh.pod('clients', calling('aiohttp')))
    }
    await Promise.all([
      shop.apply(shop.pod('clients', calling(...NAMES))),
      shop.apply(shop.deployment('orders', { annotations: STEERED, args: [...URLS, '--serve'] })),
      shop.apply(shop.job('once', { annotations: STEERED, args: URLS })),
    ])
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await deleteInjectors()
    await deleteNamespaces(shop.namespace, ...Object.keys(MESHES))
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
    await completed(shop.namespace, 'once')
    const found = await firstAnswers({ namespace: shop.namespace, workload: 'job/once' }, URLS.length)
    found.forEach((answer) => expectVerified(answer))
  })

  const verified = (namespace: string, name: string): Promise<void> =>
    printed({ namespace, workload: 'pod/clients', container: name }, /^status 200/)

  for (const name of NAMES)
    it(`get a verified answer with ${name}, which takes no proxy variable`, () => verified(shop.namespace, name))

  for (const [namespace, mesh] of Object.entries(MESHES))
    it(`get a verified answer next to a mesh of the form ${mesh}`, () => verified(namespace, 'aiohttp'))

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
