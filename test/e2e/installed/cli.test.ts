import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { cli } from '../support/cli.ts'
import { apply, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

/** Sorts before the injector, and calls nobody. */
const EARLY_HOOK = 'a-pod-identity-webhook-of-e2e'

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

  it('checks the installation, and finds nothing that does not work', async () => {
    const { status, stdout, stderr } = await cli('check', '-n', shop.namespace)
    expect({ status, stderr }, stdout).to.deep.equal({ status: 0, stderr: '' })
    expect(stdout).to.contain('√ MutatingWebhookConfiguration aws-outbound-jwt-injector has ')
    expect(stdout).to.contain(`√ gets aws-outbound-jwt-proxy in namespace ${shop.namespace}`)
    expect(stdout).to.match(/√ \S+ serves one that expires in \d+ days/)
  })

  it("finds a service account without a role, by the guard's own words", async () => {
    const { status, stdout } = await cli('check', '-n', 'default', '--service-account', 'default')
    expect(status).to.equal(1)
    expect(stdout).to.match(/× default\/default: .*no AWS role for service account default\/default/)
  })

  it('finds a namespace that is not served', async () => {
    const { status, stdout } = await cli('check', '-n', 'kube-system')
    expect(status).to.equal(1)
    expect(stdout).to.match(/× namespace kube-system refuses it: .*it was not injected/)
  })

  it('finds a hook of EKS that runs too early', async () => {
    const hook = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' }
    await apply('default', { ...hook, metadata: { name: EARLY_HOOK }, webhooks: [] })
    try {
      const { status, stdout } = await cli('check', '-n', shop.namespace)
      expect(status).to.equal(1)
      expect(stdout).to.contain(`× ${EARLY_HOOK} runs before aws-outbound-jwt-injector`)
    } finally {
      await kubectl('delete', 'mutatingwebhookconfiguration', EARLY_HOOK)
    }
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
