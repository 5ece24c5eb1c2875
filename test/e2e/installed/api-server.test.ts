import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createAdmissions, streamAdmissions } from '../support/admissions.ts'
import type { Admissions } from '../support/admissions.ts'
import { answers, expectVerified, firstAnswers } from '../support/answers.ts'
import type { LogSource } from '../support/answers.ts'
import { RESTART_API_SERVER, restartApiServer } from '../support/api-server.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM } from '../support/names.ts'
import { ASKING, PARTNER_URL, openShop } from '../support/workload.ts'
import type { Shop } from '../support/workload.ts'

const SELECTOR = `app.kubernetes.io/name=${PRODUCT}`
const ADMIN_PORT = 9444
const SERVED = 'outbound_jwt_certificate_changes_total{change="served"}'

describe(`the API server restarts (needs ${RESTART_API_SERVER})`, function () {
  this.timeout(240_000)
  let shop: Shop
  let steady: LogSource
  let asking: Admissions
  let others: Admissions
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined || process.env[RESTART_API_SERVER] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-api-server')
    await shop.apply(shop.deployment('steady', { annotations: ASKING, args: [PARTNER_URL, '--every', '200'] }))
    steady = { namespace: shop.namespace, workload: 'deployment/steady' }
    asking = createAdmissions(shop.namespace)
    others = createAdmissions(shop.namespace, false)
    await firstAnswers(steady)
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined || process.env[RESTART_API_SERVER] === undefined) return
    asking.close()
    others.close()
    await deleteNamespaces(shop.namespace)
  })

  for (const signal of ['SIGTERM', 'SIGKILL'] as const)
    it(`by ${signal}: every create that is answered is answered rightly, and a new key is trusted right after`, async () => {
      const before = await webhookPods()
      const streams = [asking, others].map(streamAdmissions)
      await restartApiServer(signal)
      await newKey(before)
      const results = await Promise.all(streams.map((stream) => stream.stop()))
      expect(results.flatMap(({ failures }) => failures)).to.deep.equal([])
      for (const { admitted, unanswered } of results) {
        expect(admitted).to.be.greaterThan(20)
        expect(unanswered, 'creates while the API server was away').not.to.deep.equal([])
      }
      expect(await webhookPods(), 'webhook pods and their restarts').to.deep.equal(before)
    })

  it('and the webhook’s watch is there again, and caBundle is repaired', async () => {
    const [{ name }] = await webhookPods()
    await eventually('the watch is established', async () => (await metric(name, 'outbound_jwt_watch_connected')) === 1)
    const before = await caBundles()
    const wipe = [0, 1].map((index) => ({ op: 'remove', path: `/webhooks/${index}/clientConfig/caBundle` }))
    await kubectl('patch', 'mutatingwebhookconfiguration', PRODUCT, '--type=json', '-p', JSON.stringify(wipe))
    await eventually('caBundle is back', async () => (await caBundles()) === before)
  })

  it('and running sidecars never noticed', async () => {
    const before = (await answers(steady)).length
    for (const answer of await firstAnswers(steady, before + 5)) expectVerified(answer)
  })
})

/** Deletes the Secret: a new key goes through Secret and caBundle until every replica serves it. */
async function newKey(pods: readonly WebhookPod[]): Promise<void> {
  const served = (): Promise<readonly number[]> => Promise.all(pods.map(({ name }) => metric(name, SERVED)))
  const before = await served()
  await kubectl('delete', 'secret', `${PRODUCT}-certificates`, '-n', SYSTEM)
  const everyReplica = async (): Promise<boolean> => (await served()).every((count, index) => count > before[index]!)
  await eventually('every replica serves another certificate', everyReplica, 90_000)
}

interface WebhookPod {
  readonly name: string
  readonly restarts: string
}

async function webhookPods(): Promise<readonly [WebhookPod, ...WebhookPod[]]> {
  const path = '{range .items[*]}{.metadata.name} {.status.containerStatuses[0].restartCount}{"\\n"}{end}'
  const list = await kubectl('get', 'pods', '-n', SYSTEM, '-l', SELECTOR, '-o', `jsonpath=${path}`)
  const pods = list
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  return pods.map(([name = '', restarts = '']) => ({ name, restarts })) as [WebhookPod, ...WebhookPod[]]
}

/** The value of a series of one webhook pod, through the API server. */
async function metric(pod: string, series: string): Promise<number> {
  const text = await kubectl('get', '--raw', `/api/v1/namespaces/${SYSTEM}/pods/${pod}:${ADMIN_PORT}/proxy/metrics`)
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
  if (line === undefined) throw new Error(`no series ${series}`)
  return Number(line.slice(series.length))
}

const caBundles = (): Promise<string> =>
  kubectl('get', 'mutatingwebhookconfiguration', PRODUCT, '-o', 'jsonpath={.webhooks[*].clientConfig.caBundle}')
