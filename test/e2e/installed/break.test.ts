import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { createAdmissions, streamAdmissions } from '../support/admissions.ts'
import { answers, expectVerified, firstAnswers } from '../support/answers.ts'
import type { Answer, LogSource } from '../support/answers.ts'
import { clearFaults, setFaults } from '../support/emulator.ts'
import { eventually } from '../support/eventually.ts'
import { create, deleteNamespaces, diagnosis, kubectl, rolledOut } from '../support/kubectl.ts'
import { PRODUCT, SYSTEM, WORLD } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, PARTNER_URL, openShop } from '../support/workload.ts'

const STEADILY = [PARTNER_URL, '--every', '200']
const LATE_URL = `${PARTNER_URL}?wait=4000`
const CUT_URL = `${PARTNER_URL}?cut`
const IMPATIENT = { ...ASKING, routes: ASKING.routes.replace('  ca:', '  timeout: 2s\n  ca:') }
const SHORT_TOKENS = { ...ASKING, routes: ASKING.routes.replace('  ca:', '  duration: 120s\n  ca:') }

describe('when things break', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    shop = await openShop('outbound-jwt-e2e-break')
    await Promise.all([
      shop.apply(shop.deployment('steady', { annotations: ASKING, args: STEADILY })),
      shop.apply(shop.deployment('outage', { annotations: SHORT_TOKENS, args: STEADILY })),
      shop.apply(
        shop.deployment('beside', {
          annotations: IMPATIENT,
          args: [PARTNER_URL, LATE_URL, CUT_URL, '--every', '200'],
        }),
      ),
      shop.apply(shop.pod('leaving', { annotations: ASKING, args: [`${PARTNER_URL}?wait=6000`] })),
    ])
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await clearFaults()
    await deleteNamespaces(shop.namespace)
  })
  const source = (name: string): LogSource => ({ namespace: shop.namespace, workload: `deployment/${name}` })

  it('a request in flight completes while its pod is deleted', async () => {
    await kubectl('wait', '-n', shop.namespace, 'pod/leaving', '--for=condition=Ready', '--timeout=60s')
    const log = kubectl('logs', '-f', '-n', shop.namespace, 'leaving', '-c', 'application')
    await kubectl('delete', 'pod', 'leaving', '-n', shop.namespace)
    const line = (await log).split('\n').find((text) => text.includes('"answer"'))
    expectVerified(JSON.parse(line ?? '{}') as Answer)
  })

  it('STS is down: requests go on with the tokens at hand, and new ones are minted afterwards', async () => {
    const before = (await firstAnswers(source('outage'))).length
    const down = { kind: 'error', code: 'ServiceUnavailable', status: 503 }
    await setFaults([
      { operation: 'GetWebIdentityToken', ...down },
      { operation: 'AssumeRoleWithWebIdentity', ...down },
    ])
    // A token of two minutes is replaced after one; whenever the outage begins, the rest covers these calls.
    await firstAnswers(source('outage'), before + 50)
    await clearFaults()
    await eventually('a new token is used', async () => tokens(await answers(source('outage'))) > 1, 100_000)
    expect(statuses(await answers(source('outage')))).to.deep.equal([200])
  })

  it('the partner is gone: the application sees 502 with a reason, and recovers with it', async () => {
    await firstAnswers(source('steady'))
    await kubectl('scale', '-n', WORLD, 'deployment/partner', '--replicas=0')
    try {
      await eventually('a call fails', async () => lastStatus(await answers(source('steady'))) === 502, 60_000)
      const failed = (await answers(source('steady'))).find(({ status }) => status === 502)
      expect(failed?.body).to.match(/"code":"upstream_(connect_failed|reset)"/)
    } finally {
      await kubectl('scale', '-n', WORLD, 'deployment/partner', '--replicas=1')
      await rolledOut(WORLD, 'partner')
    }
    await eventually('calls succeed', async () => lastStatus(await answers(source('steady'))) === 200, 60_000)
  })

  it('the partner is late or breaks off: each such call fails as what it is, and no other one beside or after it', async () => {
    const before = (await answers(source('beside'))).length
    const all = (): Promise<readonly Answer[]> => answers(source('beside')).then((found) => found.slice(before))
    const late = (found: readonly Answer[]): readonly Answer[] => found.filter(({ url }) => url === LATE_URL)
    await eventually('four calls were late', async () => late(await all()).length >= 4, 60_000)
    // The first may have begun while the partner was gone; each round of calls begins when the last one is answered.
    const found = await all()
    const rounds = found.slice(found.indexOf(late(found)[0]!) + 1)
    const of = (wanted: string): readonly Answer[] => rounds.filter(({ url }) => url === wanted)
    for (const { status, body } of of(LATE_URL)) {
      expect(status, body).to.equal(504)
      expect(body).to.include('"code":"upstream_timeout"')
    }
    // Half a body is an error of the client, never a short answer.
    expect(statuses(of(CUT_URL))).to.deep.equal([0])
    for (const answer of of(PARTNER_URL)) expectVerified(answer)
  })

  it('the sidecar ends: the kubelet restarts it, and the application recovers', async () => {
    const stop = ['--', '/nodejs/bin/node', '-e', "process.kill(1, 'SIGTERM')"]
    await kubectl('exec', '-n', shop.namespace, 'deployment/steady', '-c', PROXY_CONTAINER, ...stop)
    await eventually('it was restarted', async () => (await restarts('steady')) === 1, 60_000)
    const before = (await answers(source('steady'))).length
    const later = (await firstAnswers(source('steady'), before + 20)).slice(-5)
    expect(statuses(later)).to.deep.equal([200])
  })

  it('memory is short: 50 requests at a time fit into 96Mi', async () => {
    const urls = Array.from({ length: 50 }, (_, index) => `${PARTNER_URL}?${index}`)
    const annotations = { ...ASKING, 'memory-limit': '96Mi' }
    await shop.apply(shop.deployment('small', { annotations, args: [...urls, '--every', '10'] }))
    const all = await firstAnswers(source('small'), 2_000)
    expect(statuses(all)).to.deep.equal([200])
    expect(await restarts('small'), await diagnosis(shop.namespace)).to.equal(0)
  })

  it('the webhook rolls over while pods are created: none is refused', async () => {
    const admissions = createAdmissions(shop.namespace)
    const stream = streamAdmissions(admissions)
    await kubectl('rollout', 'restart', '-n', SYSTEM, `deployment/${PRODUCT}`)
    await rolledOut(SYSTEM, PRODUCT)
    const { admitted, failures, unanswered } = await stream.stop()
    admissions.close()
    expect([...failures, ...unanswered]).to.deep.equal([])
    expect(admitted).to.be.greaterThan(20)
  })

  it('no webhook is there: annotated pods are refused with a reason, others start', async () => {
    await kubectl('scale', '-n', SYSTEM, `deployment/${PRODUCT}`, '--replicas=0')
    try {
      await eventually('annotated pods are refused', async () => (await refusal()) !== undefined, 60_000)
      expect(await refusal()).to.match(/failed calling webhook "[^"]*outbound-jwt\.io"/)
      await shop.apply(shop.pod('unasked', { args: ['http://127.0.0.1:1/', '--serve'] }))
    } finally {
      await kubectl('scale', '-n', SYSTEM, `deployment/${PRODUCT}`, '--replicas=2')
      await rolledOut(SYSTEM, PRODUCT)
    }
    await eventually('annotated pods are admitted', async () => (await refusal()) === undefined, 60_000)
  })

  async function refusal(): Promise<string | undefined> {
    const asking = shop.pod('asking', { annotations: ASKING })
    return create(shop.namespace, asking, '--dry-run=server').then(
      () => undefined,
      (error: unknown) => String(error),
    )
  }

  async function restarts(app: string): Promise<number> {
    const path = `{.items[0].status.initContainerStatuses[?(@.name=="${PROXY_CONTAINER}")].restartCount}`
    return Number(await kubectl('get', 'pods', '-n', shop.namespace, '-l', `app=${app}`, '-o', `jsonpath=${path}`))
  }
})

const statuses = (all: readonly Answer[]): readonly number[] => [...new Set(all.map(({ status }) => status))]
const tokens = (all: readonly Answer[]): number =>
  new Set(all.map(({ body }) => (JSON.parse(body) as { claims: { jti: string } }).claims.jti)).size
const lastStatus = (all: readonly Answer[]): number => all.at(-1)?.status ?? 0
