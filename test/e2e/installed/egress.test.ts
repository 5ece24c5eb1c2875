import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { VENDORS } from '../../partner-emulators/cases.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import type { Answer } from '../support/answers.ts'
import { installChart } from '../support/chart.ts'
import { examine } from '../support/doctor.ts'
import { dryRun } from '../support/dry-run.ts'
import { eventually } from '../support/eventually.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { ROLE_ARN } from '../support/names.ts'
import { squidLog, startSquid } from '../support/squid.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

const SQUID = 'outbound-jwt-e2e-squid'
const STS = 'sts.aws.example'
const PARTNER = 'api.partner.example'
const BILLING = 'billing.partner.example'
const GRAPH = 'graph.microsoft.com'
const LOGIN = 'login.microsoftonline.com'

const ca = { configMap: 'authority', key: 'ca.crt' }
const SHOP = 'outbound-jwt-e2e-egress'
const DIRECTORY = 'outbound-jwt-e2e-egress-directory'
const URLS = { [SHOP]: `https://${PARTNER}/orders`, [DIRECTORY]: `https://${GRAPH}/v1.0/organization` }
const ROUTES = {
  [SHOP]: { hosts: [PARTNER], audience: [`https://${PARTNER}`], https: 'intercept', ca },
  [DIRECTORY]: { hosts: [GRAPH], exchange: { ...VENDORS.entra, ca }, https: 'intercept', ca },
}

const granted = { roleArns: [ROLE_ARN], sources: ['aws'], https: ['intercept'] }
const RULES = [
  { name: 'orders', namespaces: [SHOP], hosts: [PARTNER], audiences: [`https://${PARTNER}`], ...granted },
  {
    name: 'directory',
    namespaces: [DIRECTORY],
    hosts: [GRAPH, LOGIN],
    audiences: ['api://AzureADTokenExchange'],
    exchanges: ['entra'],
    ...granted,
  },
]

describe('a cluster whose only way out is squid, and whose policy grants each namespace one partner', function () {
  let shops: Record<keyof typeof ROUTES, Shop>
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    const [shop, directory, egressProxy] = await Promise.all([
      openShop(SHOP),
      openShop(DIRECTORY),
      startSquid(SQUID, { partner: [PARTNER, BILLING], clouds: [GRAPH, LOGIN], 'aws-emulator': [STS] }),
    ])
    shops = { [SHOP]: shop, [DIRECTORY]: directory }
    await installChart({
      sidecar: { image: { tag: 'e2e' }, extraEnv: { AWS_ENDPOINT_URL_STS: `http://${STS}` } },
      injection: { egressProxy },
      policy: { rules: RULES },
    })
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await installChart()
    await deleteNamespaces(SHOP, DIRECTORY, SQUID)
  })

  /** A pod to which no name of a partner means anything. */
  const pod = (namespace: keyof typeof ROUTES, name: string, annotations: Readonly<Record<string, string>>): object =>
    shops[namespace].pod(name, { annotations, args: [URLS[namespace], '--serve'], spec: { hostAliases: [] } })
  const asking = (route: object): Readonly<Record<string, string>> => ({ ...ASKING, routes: JSON.stringify([route]) })
  const answerOf = async (namespace: keyof typeof ROUTES, name: string): Promise<Answer> => {
    const [answer] = await firstAnswers({ namespace, workload: `pod/${name}` })
    return answer!
  }

  it('lets no pod past squid', async () => {
    await shops[SHOP].apply(pod(SHOP, 'bystander', {}))
    expect((await answerOf(SHOP, 'bystander')).status).to.equal(0)
  })

  it('gives the pod of the quick start its token and its partner', async () => {
    await shops[SHOP].apply(pod(SHOP, 'orders', asking(ROUTES[SHOP])))
    expectVerified(await answerOf(SHOP, 'orders'))
  })

  it('gives a pod the token of its token endpoint', async () => {
    await shops[DIRECTORY].apply(pod(DIRECTORY, 'orders', asking(ROUTES[DIRECTORY])))
    const { status, body } = await answerOf(DIRECTORY, 'orders')
    expect(status, body).to.equal(200)
  })

  it('shows its proxy to doctor', async () => {
    const { report, text } = await examine(SHOP, 'orders')
    const findings = new Map(report.findings.map((finding) => [finding.id, finding]))
    for (const id of ['egress', 'credentials', 'sts', 'token'] as const)
      expect(findings.get(id)?.verdict, text).to.equal('pass')
    // A warning: the certificates of the tests end tomorrow.
    expect(findings.get('partner')?.found, text).to.include(`with ${PARTNER} by the egress proxy`)
  })

  it('has squid connect to STS, the token endpoint and both partners', async () => {
    // squid writes a line when a connection has ended.
    await Promise.all(
      [SHOP, DIRECTORY].map((namespace) => kubectl('delete', 'pod', 'orders', '-n', namespace, '--timeout=60s')),
    )
    const connected = [`${STS}:80`, `${LOGIN}:443`, `${GRAPH}:443`, `${PARTNER}:443`]
    await eventually('squid has written of all', async () => {
      const log = await squidLog(SQUID)
      return connected.every((host) => log.includes(`CONNECT ${host}`))
    })
    expect(await squidLog(SQUID)).not.to.include(BILLING)
  })

  it('refuses a pod that asks for another partner, and says what its namespace may have', async () => {
    const route = { ...ROUTES[SHOP], hosts: [BILLING] }
    const { refused = '' } = await dryRun(SHOP, pod(SHOP, 'billing', asking(route)))
    expect(refused).to.include(BILLING).and.include(`grants to namespace ${SHOP}: ${PARTNER}`).and.not.include(GRAPH)
  })
})
