import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Admissions } from '../support/admissions.ts'
import { admitted, createAdmissions, streamAdmissions } from '../support/admissions.ts'
import type { Balancer } from '../support/balancer.ts'
import { startBalancer } from '../support/balancer.ts'
import { eventually } from '../support/eventually.ts'
import { kubectl } from '../support/kubectl.ts'
import type { WebhookReplica, WebhookSite } from '../support/webhook.ts'
import { SECRET, createWebhookSite } from '../support/webhook.ts'

describe('rolling restart of the webhook on a real API server', function () {
  this.timeout(180_000)
  let site: WebhookSite
  let balancer: Balancer
  let admissions: readonly Admissions[]

  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    site = await createWebhookSite('e2e-rolling')
    balancer = await startBalancer()
    admissions = [1, 2, 3].map(() => createAdmissions(site.shop))
    await site.register(balancer.port)
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    for (const one of admissions) one.close()
    balancer.close()
    await site.remove()
  })

  const ready = (replica: WebhookReplica): Promise<void> =>
    eventually('the replica is ready', async () => (await replica.admin('/readyz')).status === 200)

  it('loses no admission, and two replicas that start together agree on one certificate', async () => {
    const first = await Promise.all([site.replica(), site.replica()])
    const replicas: WebhookReplica[] = [...first]
    await Promise.all(first.map(ready))
    first.forEach((replica) => balancer.add(replica))
    const entries = await kubectl('get', 'secret', SECRET, '-n', site.system, '-o', 'jsonpath={.data}')
    expect(Object.keys(JSON.parse(entries) as object)).to.have.lengthOf(2)
    await eventually('a pod is admitted', () => admitted(admissions[0]!))

    const streams = admissions.map(streamAdmissions)
    for (const old of first) {
      const fresh = await site.replica()
      await ready(fresh)
      balancer.add(fresh)
      replicas.push(fresh)
      old.process.signal('SIGTERM')
      expect(await old.process.exited).to.deep.equal({ status: 0, signal: null })
      balancer.remove(old)
    }
    const before = streams.map((stream) => stream.admitted())
    await eventually('the replicas that are left carry every stream alone', () =>
      streams.every((stream, index) => stream.admitted() >= before[index]! + 50),
    )
    const results = await Promise.all(streams.map((stream) => stream.stop()))
    expect(results.flatMap(({ failures, unanswered }) => [...failures, ...unanswered])).to.deep.equal([])
    for (const { admitted } of results) expect(admitted).to.be.greaterThan(100)
    for (const { process } of replicas) expect(process.output()).not.to.match(/forbidden|certificate problem/i)
  })
})
