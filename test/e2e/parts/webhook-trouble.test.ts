import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { freePort } from '../../support/port.ts'
import type { Admissions } from '../support/admissions.ts'
import { admitted, createAdmissions } from '../support/admissions.ts'
import { eventually } from '../support/eventually.ts'
import { apply, kubectl } from '../support/kubectl.ts'
import type { WebhookReplica, WebhookSite } from '../support/webhook.ts'
import { SECRET, createWebhookSite } from '../support/webhook.ts'

const WATCH = 'outbound_jwt_watch_connected'

describe('trouble with the certificate of the webhook on a real API server', function () {
  this.timeout(180_000)
  let site: WebhookSite
  let admissions: Admissions
  let port: number
  let webhook: WebhookReplica

  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    site = await createWebhookSite('e2e-trouble')
    admissions = createAdmissions(site.shop)
    port = await freePort()
    await site.register(port)
  })
  afterEach(async () => {
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    await site.reset()
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    admissions.close()
    await site.remove()
  })

  const start = async (): Promise<void> => {
    webhook = await site.replica({ LISTEN_ADDR: `127.0.0.1:${port}` })
  }
  const ready = (limitMs?: number): Promise<void> =>
    eventually('the webhook is ready', async () => (await webhook.admin('/readyz')).status === 200, limitMs)
  const problemLines = (): readonly string[] =>
    webhook.process
      .output()
      .split('\n')
      .filter((line) => line.includes('"certificate problem"'))
  const attempts = (problem: string): Promise<number> =>
    webhook.metric(`outbound_jwt_certificate_problems_total{problem="${problem}"}`)
  /** Not ready, one line however often it was tried, a count, and no exit. */
  async function expectTrouble(problem: string, says: RegExp): Promise<void> {
    await eventually('it was tried three times', async () => (await attempts(problem)) >= 3)
    expect(problemLines()).to.have.lengthOf(1)
    expect(problemLines()[0]).to.match(says).and.to.include(`"problem":"${problem}"`)
    const { status, body } = await webhook.admin('/readyz')
    expect(status).to.equal(503)
    expect(body).to.include('no certificate that caBundle trusts')
  }
  const secret = (changes: object): Promise<void> =>
    apply(site.system, { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET }, ...changes })

  it('leaves somebody else’s Secret alone, and goes on when it is gone', async () => {
    await secret({ stringData: { password: 'theirs' } })
    await start()
    await expectTrouble('secret-foreign', /delete it, or name another in CERTIFICATE_SECRET/)
    expect(await kubectl('get', 'secret', SECRET, '-n', site.system, '-o', 'jsonpath={.data}')).to.equal(
      '{"password":"dGhlaXJz"}',
    )
    await kubectl('delete', 'secret', SECRET, '-n', site.system)
    await ready(60_000)
    await webhook.process.logged('certificate problem is over')
  })

  it('replaces broken PEM in its Secret, and never logs it', async () => {
    await start()
    await ready()
    webhook.process.signal('SIGKILL')
    await webhook.process.exited
    const { data } = JSON.parse(await kubectl('get', 'secret', SECRET, '-n', site.system, '-o', 'json')) as {
      data: Record<string, string>
    }
    const key = Object.keys(data).find((name) => name.endsWith('.key')) ?? ''
    const text = Buffer.from(data[key] ?? '', 'base64').toString()
    const broken = Buffer.from(text.replace('M', 'A')).toString('base64')
    await kubectl(
      'patch',
      'secret',
      SECRET,
      '-n',
      site.system,
      '--type=merge',
      '-p',
      JSON.stringify({ data: { [key]: broken } }),
    )
    await site.setCaBundles('')
    await start()
    await ready()
    await eventually('a pod is admitted', () => admitted(admissions))
    expect(problemLines()).to.have.lengthOf(1)
    expect(problemLines()[0]).to.include('secret-broken').and.to.include(key)
    expect(webhook.process.output()).not.to.include(text.split('\n')[1])
  })

  for (const { kind, verb, index, says } of [
    { kind: 'role/webhook', verb: 'get', index: 0, says: /cannot get resource \\"secrets\\"/ },
    { kind: 'role/webhook', verb: 'create', index: 1, says: /cannot create resource \\"secrets\\"/ },
    { kind: 'role/webhook', verb: 'patch', index: 2, says: /cannot patch resource \\"secrets\\"/ },
    { kind: 'clusterrole', verb: 'get', index: 0, says: /cannot get resource \\"mutatingwebhookconfigurations\\"/ },
    { kind: 'clusterrole', verb: 'patch', index: 2, says: /cannot patch resource \\"mutatingwebhookconfigurations\\"/ },
  ]) {
    it(`names the right it lacks: ${verb} in the ${kind}, and goes on when it is granted`, async () => {
      const role = kind === 'clusterrole' ? ['clusterrole', site.configuration] : [kind, '-n', site.system]
      const path = `/rules/0/verbs/${index}`
      await kubectl('patch', ...role, '--type=json', '-p', JSON.stringify([{ op: 'replace', path, value: 'list' }]))
      await start()
      await expectTrouble('forbidden', says)
      await kubectl('patch', ...role, '--type=json', '-p', JSON.stringify([{ op: 'replace', path, value: verb }]))
      await ready(60_000)
    })
  }

  it('works without the watch, says so, and has it back when it is granted', async () => {
    const grant = (verb: string): Promise<string> =>
      kubectl(
        'patch',
        'clusterrole',
        site.configuration,
        '--type=json',
        '-p',
        JSON.stringify([{ op: 'replace', path: '/rules/0/verbs/1', value: verb }]),
      )
    await grant('list')
    await start()
    const { error } = await webhook.process.logged('watch interrupted')
    expect(error).to.match(/watch mutatingwebhookconfigurations/)
    await ready()
    await grant('watch')
    await eventually('the watch is established', async () => (await webhook.metric(WATCH)) === 1, 60_000)
  })

  it('waits for the configuration to be installed', async () => {
    await kubectl('delete', 'mutatingwebhookconfiguration', site.configuration)
    await start()
    await expectTrouble('configuration-missing', /not found/)
    await site.register(port)
    await ready(60_000)
  })

  it('serves on while it does not reach the API server, and repairs what happened meanwhile', async () => {
    await start()
    await ready()
    await site.relay.cut()
    await site.setCaBundles('')
    await eventually('the watch is known to be lost', async () => (await webhook.metric(WATCH)) === 0)
    // What is served is what was trusted when the API server last said so.
    expect((await webhook.admin('/readyz')).status).to.equal(200)
    await site.relay.restore()
    await eventually('a pod is admitted', () => admitted(admissions), 40_000)
    await eventually('the watch is established', async () => (await webhook.metric(WATCH)) === 1)
  })

  it('takes a renewed token from the mounted file', async () => {
    site.breakToken()
    await start()
    await expectTrouble('unauthorized', /401/)
    await site.renewToken()
    await ready(120_000)
  })
})
