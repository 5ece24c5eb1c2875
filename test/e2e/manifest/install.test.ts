import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { leftovers } from '../support/chart.ts'
import { deleteNamespaces, kubectl, rolledOut } from '../support/kubectl.ts'
import { PRODUCT } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

const NAMESPACE = 'outbound-jwt-system'
const MANIFEST = 'manifests/install.yaml'
/** The same with the images of the tests. */
const OVERLAY = 'test/e2e/manifests'

describe('manifests/install.yaml, where there is no chart', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    expect(await leftovers()).to.deep.equal([])
    shop = await openShop('outbound-jwt-e2e-manifest')
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await kubectl('delete', '-f', MANIFEST, '--ignore-not-found')
    await deleteNamespaces(shop.namespace)
  })

  it('is applied, and an annotated Deployment gets a verified answer', async () => {
    await kubectl('apply', '--server-side', '-k', OVERLAY)
    await rolledOut(NAMESPACE, PRODUCT)
    await shop.apply(shop.deployment('orders', { annotations: ASKING }))
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'deployment/orders' }))[0]!)
  })

  it('is deleted, and nothing is left', async () => {
    await kubectl('delete', '-f', MANIFEST)
    expect(await leftovers()).to.deep.equal([])
    expect(await kubectl('get', 'namespace', NAMESPACE, '--ignore-not-found')).to.equal('')
  })
})
