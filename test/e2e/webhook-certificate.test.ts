import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Admissions } from './support/admissions.ts'
import { createAdmissions } from './support/admissions.ts'
import { eventually } from './support/eventually.ts'
import { kubectl } from './support/kubectl.ts'
import type { WebhookReplica, WebhookSite } from './support/webhook.ts'
import { SECRET, SHOP, SHORT_LIFE, SYSTEM, createWebhookSite, freePort } from './support/webhook.ts'

describe('certificate of the webhook on a real API server', function () {
  let site: WebhookSite
  let admissions: Admissions
  let webhook: WebhookReplica

  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    site = await createWebhookSite()
    admissions = createAdmissions(SHOP)
    const port = await freePort()
    await site.register(port)
    webhook = await site.replica({ ...SHORT_LIFE, LISTEN_ADDR: `127.0.0.1:${port}` })
  })
  after(async () => {
    admissions.close()
    await site.remove()
  })

  it('makes its Secret, publishes and is ready, with exactly its rights', async () => {
    await eventually('the webhook is ready', async () => (await webhook.admin('/readyz')).status === 200)
    await eventually('a pod is admitted', async () => (await admissions.create()) === undefined)
    const secret = await kubectl('get', 'secret', SECRET, '-n', SYSTEM, '-o', 'jsonpath={.data}')
    expect(JSON.parse(secret)).to.be.an('object')
    expect(webhook.process.output()).not.to.match(/forbidden/i)
  })
})
