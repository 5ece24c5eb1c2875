import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { createAdmissions, streamAdmissions } from '../support/admissions.ts'
import { answers, expectVerified, firstAnswers } from '../support/answers.ts'
import type { LogSource } from '../support/answers.ts'
import { installChart, installPreviousChart, installedVersion, leftovers, removeChart } from '../support/chart.ts'
import { deleteNamespaces, kubectl, rolledOut } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, PARTNER_URL, openShop } from '../support/workload.ts'

describe('upgrade and removal', function () {
  let shop: Shop
  let running: LogSource
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-removal')
    await removeChart()
    await installPreviousChart()
    await shop.apply(shop.deployment('orders', { annotations: ASKING, args: [PARTNER_URL, '--every', '200'] }))
    running = { namespace: shop.namespace, workload: 'deployment/orders' }
    expectVerified((await firstAnswers(running))[0]!)
  })
  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(shop.namespace)
  })

  it('an upgrade from the version before loses no admission, leaves running pods as they are, and injects new ones', async () => {
    const podNames = (): Promise<string> => kubectl('get', 'pods', '-n', shop.namespace, '-o', 'name')
    const [before, version] = await Promise.all([podNames(), installedVersion()])
    const admissions = createAdmissions(shop.namespace)
    const stream = streamAdmissions(admissions)
    await installChart()
    await rolledOut(SYSTEM, PRODUCT)
    const { admitted, failures, unanswered } = await stream.stop()
    admissions.close()
    expect([...failures, ...unanswered]).to.deep.equal([])
    expect(admitted).to.be.greaterThan(20)
    expect(await installedVersion()).not.to.equal(version)
    expect(await podNames()).to.equal(before)
    await shop.apply(shop.pod('later', { annotations: ASKING }))
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'pod/later' }))[0]!)
  })

  it('nothing is left behind', async () => {
    await removeChart()
    expect(await leftovers()).to.deep.equal([])
    const secrets = await kubectl('get', 'secrets', '-n', SYSTEM, '-o', 'name')
    expect(secrets.trim()).to.equal('')
  })

  it('pods are created afterwards, annotated or not', async () => {
    for (const annotations of [{}, ASKING])
      await shop.apply(
        shop.pod(`after-${Object.keys(annotations).length}`, { annotations, args: ['http://127.0.0.1:1/', '--serve'] }),
      )
  })

  it('running sidecars keep working', async () => {
    const before = (await answers(running)).length
    const later = (await firstAnswers(running, before + 20)).slice(-10)
    for (const answer of later) expectVerified(answer)
    expect(await kubectl('get', 'deployments', '-A', '-l', `app.kubernetes.io/name=${PRODUCT}`, '-o', 'name')).to.equal(
      '',
    )
  })
})
