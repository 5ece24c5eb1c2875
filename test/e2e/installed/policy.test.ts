import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { stringify } from 'yaml'
import { installChart } from '../support/chart.ts'
import { dryRun } from '../support/dry-run.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { PRODUCT, ROLE_ARN, SYSTEM } from '../support/names.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

const GRANTED = 'outbound-jwt-e2e-policy'
const OTHER = 'outbound-jwt-e2e-other-policy'

const RULE = {
  name: 'orders',
  namespaces: [GRANTED],
  hosts: ['api.partner.example'],
  audiences: ['https://api.partner.example'],
  roleArns: [ROLE_ARN],
  sources: ['aws'],
}
const BILLING = 'billing.partner.example'
const routes = (host: string, more = ''): string => `- {hosts: [${host}], audience: ['https://${host}']${more}}`

/** What asks for more, and the words that name it and what the namespace may have. */
const REFUSED: readonly (readonly [
  what: string,
  annotations: Readonly<Record<string, string>>,
  says: readonly string[],
])[] = [
  ['another partner', { routes: routes(BILLING) }, [BILLING, `grants to namespace ${GRANTED}: api.partner.example`]],
  [
    'another audience',
    { routes: "- {hosts: [api.partner.example], audience: ['https://other.example']}" },
    ['https://other.example', `grants to namespace ${GRANTED}: https://api.partner.example`],
  ],
  [
    'another role',
    { 'role-arn': `${ROLE_ARN}-admin` },
    [`${ROLE_ARN}-admin`, `grants to namespace ${GRANTED}: ${ROLE_ARN}`],
  ],
  ['another source', { routes: routes('api.partner.example', ', source: kubernetes') }, ['kubernetes', `: aws`]],
  ['interception', { routes: routes('api.partner.example', ', https: intercept') }, ['intercept', ': none']],
]

/** A kubelet looks at ConfigMaps about once a minute. */
const ARRIVES_MS = 110_000

describe('a policy that grants one namespace one partner', function () {
  let shop: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    const [granted] = await Promise.all([
      openShop(GRANTED),
      openShop(OTHER),
      installChart({ policy: { rules: [RULE] } }),
    ])
    shop = granted
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await installChart()
    await deleteNamespaces(GRANTED, OTHER)
  })

  it('admits a pod that asks for it', async () => expect(await refusal({})).to.equal(''))

  for (const [what, annotations, says] of REFUSED)
    it(`refuses ${what} by name, and says what the namespace may have`, async () => {
      const said = await refusal(annotations)
      for (const words of says) expect(said).to.include(words)
    })

  it('tells another namespace nothing of it', async () => {
    const said = await refusal({}, OTHER)
    expect(said).to.include(`grants to namespace ${OTHER}: none`).and.not.to.include(GRANTED)
  })

  it('takes what the refusal asked for from its ConfigMap without a restart', async () => {
    const replicas = await replicasOf()
    const audiences = [...RULE.audiences, `https://${BILLING}`]
    await write({ rules: [{ ...RULE, hosts: [...RULE.hosts, BILLING], audiences }] })
    // Each replica reads for itself, and any may be asked.
    await everyReplicaLogs('policy in force', 2)
    expect(await refusal({ routes: routes(BILLING) })).to.equal('')
    expect(await replicasOf()).to.deep.equal(replicas)
  })

  it('keeps the last good one when the next is broken, and says so', async () => {
    await write({ rules: [{ ...RULE, hots: ['*'] }] })
    await everyReplicaLogs('policy cannot be used; the last good one stays in force', 1)
    expect(await refusal({ routes: routes(BILLING) })).to.equal('')
    expect(await refusal({ routes: routes('evil.partner.example') })).to.include(`grants to namespace ${GRANTED}`)
  })

  /** @returns what the API server says to such a pod, empty when it admits it. */
  async function refusal(annotations: Readonly<Record<string, string>>, namespace = GRANTED): Promise<string> {
    const { refused = '' } = await dryRun(namespace, shop.pod('orders', { annotations: { ...ASKING, ...annotations } }))
    return refused
  }
})

/** @returns name and restarts of each pod of the webhook. */
async function replicasOf(): Promise<readonly string[]> {
  const list = await kubectl('get', 'pods', '-n', SYSTEM, '-l', `app.kubernetes.io/name=${PRODUCT}`, '-o', 'json')
  return (JSON.parse(list) as { readonly items: readonly Replica[] }).items.map(
    ({ metadata, status }) =>
      `${metadata.name} ${status.containerStatuses.map(({ restartCount }) => restartCount).join()}`,
  )
}

interface Replica {
  readonly metadata: { readonly name: string }
  readonly status: { readonly containerStatuses: readonly { readonly restartCount: number }[] }
}

async function write(policy: object): Promise<void> {
  const patch = JSON.stringify({ data: { 'policy.yaml': stringify(policy) } })
  await kubectl('patch', 'configmap', `${PRODUCT}-policy`, '-n', SYSTEM, '--type=merge', '-p', patch)
}

async function everyReplicaLogs(line: string, times: number): Promise<void> {
  const names = (await replicasOf()).map((replica) => replica.split(' ')[0] ?? '')
  await eventually(
    `every replica says ${line}`,
    async () => {
      const logs = await Promise.all(names.map((name) => kubectl('logs', '-n', SYSTEM, name)))
      return logs.every((log) => log.split(line).length > times)
    },
    ARRIVES_MS,
  )
}
