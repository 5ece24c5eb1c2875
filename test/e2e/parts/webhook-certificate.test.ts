import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { freePort } from '../../support/port.ts'
import type { Admissions, Stream } from '../support/admissions.ts'
import { admitted, createAdmissions, streamAdmissions } from '../support/admissions.ts'
import { eventually } from '../support/eventually.ts'
import { kubectl } from '../support/kubectl.ts'
import type { WebhookReplica, WebhookSite } from '../support/webhook.ts'
import { SECRET, SHORT_LIFE, createWebhookSite } from '../support/webhook.ts'

describe('certificate of the webhook on a real API server', function () {
  this.timeout(180_000)
  let site: WebhookSite
  let admissions: Admissions
  let port: number
  let webhook: WebhookReplica

  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    site = await createWebhookSite('e2e-certificate')
    admissions = createAdmissions(site.shop)
    port = await freePort()
    await site.register(port)
  })
  afterEach(async () => {
    // Exactly the rights of test/e2e/manifests/webhook-rbac.yaml: one more needed, one Forbidden here.
    expect(webhook.process.output()).not.to.match(/forbidden/i)
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    await site.reset()
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    admissions.close()
    await site.remove()
  })

  async function start(
    env: Readonly<Record<string, string>> = {},
    nodeArguments: readonly string[] = [],
  ): Promise<void> {
    webhook = await site.replica({ ...env, LISTEN_ADDR: `127.0.0.1:${port}` }, nodeArguments)
    await eventually('the webhook is ready', async () => (await webhook.admin('/readyz')).status === 200)
    await eventually('a pod is admitted', () => admitted(admissions))
  }
  const served = (): Promise<number> => webhook.metric('outbound_jwt_certificate_changes_total{change="served"}')
  const caBundles = (): Promise<string> =>
    kubectl(
      'get',
      'mutatingwebhookconfiguration',
      site.configuration,
      '-o',
      'jsonpath={.webhooks[*].clientConfig.caBundle}',
    )
  const finish = async (stream: Stream): Promise<void> => {
    const { admitted, failures, unanswered } = await stream.stop()
    expect([...failures, ...unanswered], webhook.process.output()).to.deep.equal([])
    expect(admitted).to.be.greaterThan(20)
  }

  it('is made, published, then served, with exactly the rights it needs', async () => {
    await start()
    const secret = JSON.parse(await kubectl('get', 'secret', SECRET, '-n', site.system, '-o', 'json')) as {
      data: object
      metadata: { managedFields: readonly { manager: string }[] }
    }
    expect(Object.keys(secret.data)).to.have.lengthOf(2)
    expect(await webhook.metric('outbound_jwt_certificate_expiry_seconds')).to.be.within(89 * 86_400, 90 * 86_400)
    expect(await webhook.metric('outbound_jwt_certificate_trusted')).to.equal(1)
    expect(await webhook.metric('outbound_jwt_watch_connected')).to.equal(1)
  })

  it('is renewed under a stream of pods without one failure', async () => {
    await start(SHORT_LIFE)
    const stream = streamAdmissions(admissions)
    await eventually('two renewals', async () => (await served()) >= 3, 120_000)
    await finish(stream)
    const expiry = await webhook.metric('outbound_jwt_certificate_expiry_seconds')
    expect(expiry).to.be.within(0, 60)
  })

  it('is published again within seconds when caBundle was wiped or overwritten', async () => {
    await start()
    const before = await caBundles()
    for (const caBundle of ['', Buffer.from('somebody else’s').toString('base64')]) {
      const started = performance.now()
      await site.setCaBundles(caBundle)
      await eventually('caBundle is back', async () => (await caBundles()) === before, 5_000)
      await eventually('pods are admitted', () => admitted(admissions), 5_000)
      expect(performance.now() - started).to.be.lessThan(10_000)
    }
    expect((await webhook.admin('/readyz')).status).to.equal(200)
  })

  it('survives the deletion of its Secret without one failure, and a new key follows', async () => {
    await start({ CERTIFICATE_PUBLICATION_DELAY: '3s' })
    const before = await served()
    const stream = streamAdmissions(admissions)
    await kubectl('delete', 'secret', SECRET, '-n', site.system)
    await eventually(
      'the Secret is back',
      async () => (await kubectl('get', 'secret', SECRET, '-n', site.system)) !== '',
      40_000,
    )
    await eventually('another certificate is served', async () => (await served()) > before, 40_000)
    await finish(stream)
  })

  for (const hours of [-1, 1]) {
    it(`is trusted although the webhook’s clock is ${hours > 0 ? 'an hour ahead' : 'an hour behind'}`, async () => {
      const shift = `
        const { now } = Date
        Date.now = () => now() + ${hours * 3_600_000}
        globalThis.Date = new Proxy(Date, {
          construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [Date.now()] : args, self),
        })`
      await start({}, ['--import', `data:text/javascript,${encodeURIComponent(shift)}`])
      const { time } = await webhook.process.logged('listening')
      const ahead = (Date.parse(String(time)) - Date.now()) / 3_600_000
      expect(ahead).to.be.closeTo(hours, 0.1)
      expect(await admissions.create()).to.equal(undefined)
    })
  }
})
