import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import type { Report } from '../../../proxy/src/doctor/report.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { examine } from '../support/doctor.ts'
import { setRoles, setState } from '../support/emulator.ts'
import { deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { ROLE_ARN } from '../support/names.ts'
import type { PodOptions, Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

const role = (name: string): string => ROLE_ARN.replace(/orders$/, name)
const routes = (yaml: string): PodOptions => ({ annotations: { ...ASKING, routes: yaml } })

const ONE_AUDIENCE = {
  Statement: {
    Effect: 'Allow',
    Action: 'sts:GetWebIdentityToken',
    Resource: '*',
    Condition: { 'ForAllValues:StringEquals': { 'sts:IdentityTokenAudience': ['https://other.example'] } },
  },
}

/** Pods as people get them wrong, and the check that must say so. */
const BROKEN: Readonly<Record<string, { readonly pod: PodOptions; readonly check: string; readonly says: RegExp }>> = {
  'a role that does not exist': {
    pod: { annotations: { ...ASKING, 'role-arn': role('nobody') } },
    check: 'credentials',
    says: /AssumeRoleWithWebIdentity|trust/i,
  },
  'a role that may not ask for this audience': {
    pod: { annotations: { ...ASKING, 'role-arn': role('limited') } },
    check: 'token',
    says: /sts:GetWebIdentityToken|audience/i,
  },
  'a partner with a private CA that no route names': {
    pod: routes('- {hosts: [api.partner.example], audience: [https://api.partner.example]}'),
    check: 'partner',
    says: /\bca\b|certificate/i,
  },
  'a partner whose name does not resolve': {
    pod: routes('- {hosts: [nowhere.partner.example], audience: [https://api.partner.example]}'),
    check: 'partner',
    says: /nowhere\.partner\.example/,
  },
}

describe('doctor', function () {
  let shop: Shop
  const names = Object.keys(BROKEN).map((cause) => cause.replaceAll(' ', '-').toLowerCase())
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await setRoles([
      { arn: ROLE_ARN },
      { arn: role('service-account') },
      { arn: role('limited'), policies: { identity: ONE_AUDIENCE } },
    ])
    shop = await openShop('outbound-jwt-e2e-doctor')
    await Promise.all([
      shop.apply(shop.pod('healthy', { annotations: ASKING })),
      ...Object.values(BROKEN).map(({ pod }, index) => shop.apply(shop.pod(names[index] ?? '', pod))),
    ])
    const pods = ['healthy', ...names].map((name) => `pod/${name}`)
    await kubectl('wait', '-n', shop.namespace, ...pods, '--for=condition=Ready', '--timeout=90s')
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await setState({ federationEnabled: true })
    await deleteNamespaces(shop.namespace)
  })

  it('finds nothing in a healthy pod, and shows the claims but never the token', async () => {
    expectVerified((await firstAnswers({ namespace: shop.namespace, workload: 'pod/healthy' }))[0]!)
    const { status, report, text } = await examine(shop.namespace, 'healthy')
    expect(status, text).to.equal(0)
    expect(failing(report)).to.deep.equal([])
    expect(text)
      .to.include(ROLE_ARN)
      .and.not.to.match(/eyJ[\w-]+\./)
  })

  Object.entries(BROKEN).forEach(([cause, { check, says }], index) => {
    it(`names ${cause}`, async () => {
      const { status, report, text } = await examine(shop.namespace, names[index] ?? '')
      expect(status).to.equal(1)
      expect(failing(report), text).to.include(check)
      expect(text).to.match(says)
    })
  })

  it('names an account without outbound federation', async () => {
    await setState({ federationEnabled: false })
    const { status, report, text } = await examine(shop.namespace, 'healthy')
    expect(status).to.equal(1)
    expect(failing(report), text).to.include('federation')
    expect(text).to.match(/aws iam enable-outbound-web-identity-federation/)
  })
})

const failing = ({ findings }: Report): readonly string[] =>
  findings.filter(({ verdict }) => verdict === 'fail').map(({ id }) => id)
