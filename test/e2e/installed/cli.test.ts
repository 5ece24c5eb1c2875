import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { cli } from '../support/cli.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

describe('the command line', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-cli')
    await shop.apply(shop.pod('orders', { annotations: ASKING }))
    await kubectl('wait', '-n', shop.namespace, 'pod/orders', '--for=condition=Ready', '--timeout=90s')
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await deleteNamespaces(shop.namespace)
  })

  it('shows an injected pod, and runs doctor in it', async () => {
    const { status, stdout, stderr } = await cli('status', '-n', shop.namespace)
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.match(/^outbound-jwt-e2e-cli +orders +yes +0\.1\.0 +\S+/m)
    const examined = await cli('doctor', 'orders', '-n', shop.namespace, '-o', 'json')
    expect(JSON.parse(examined.stdout)).to.have.property('findings').that.is.an('array').that.is.not.empty
  })

  it('says that a pod has no sidecar', async () => {
    const { status, stderr } = await cli('doctor', 'orders', '-n', shop.namespace, '-c', 'nobody')
    expect(status).to.equal(69)
    expect(stderr).to.match(/pod outbound-jwt-e2e-cli\/orders has no container nobody; it has /)
  })
})
