import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { expectVerified, firstAnswers } from '../support/answers.ts'
import { deleteInjectors, registerInjector } from '../support/injector.ts'
import type { OtherInjector } from '../support/injector.ts'
import { create, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import type { Shop } from '../support/workload.ts'
import { ASKING, openShop } from '../support/workload.ts'

/** What the guard or the API server says of a sidecar that lost its restartPolicy. */
const STRIPPED = /restartPolicy|startupProbe|may not be set/

interface Case extends OtherInjector {
  readonly name: string
  /** The variable that gives the sidecar credentials, or the refusal. */
  readonly outcome: string | RegExp
}

const IRSA = { path: '/eks/irsa', variable: 'AWS_ROLE_ARN' }
const POD_IDENTITY = { path: '/eks/pod-identity', variable: 'AWS_CONTAINER_CREDENTIALS_FULL_URI' }
const OLD = { path: '/eks/old', variable: 'AWS_ROLE_ARN' }

/** EKS's hook in every form, order and reinvocation policy; which one a cluster has is chance (its issue 187). */
const CASES: readonly Case[] = [IRSA, POD_IDENTITY].flatMap(({ path, variable }): Case[] => [
  { name: 'after', path, first: false, reinvocation: 'Never', outcome: variable },
  { name: 'after-again', path, first: false, reinvocation: 'IfNeeded', outcome: variable },
  // Ours finds what the hook gave the application, and copies it.
  { name: 'before', path, first: true, reinvocation: 'Never', outcome: variable },
  { name: 'before-again', path, first: true, reinvocation: 'IfNeeded', outcome: variable },
])
const OLD_CASES: readonly Case[] = [
  { name: 'after', ...OLD, first: false, reinvocation: 'Never', outcome: OLD.variable },
  { name: 'after-again', ...OLD, first: false, reinvocation: 'IfNeeded', outcome: STRIPPED },
  { name: 'before', ...OLD, first: true, reinvocation: 'Never', outcome: OLD.variable },
]

describe('credentials', function () {
  let managed: Shop
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    managed = await openShop('outbound-jwt-e2e-managed')
    await managed.apply(managed.deployment('orders', { annotations: ASKING }))
  })
  after(async () => {
    if (process.env['KUBECONFIG'] === undefined) return
    await deleteInjectors()
    await deleteNamespaces(managed.namespace, ...[...CASES, ...OLD_CASES].map(namespaceOf))
  })

  for (const one of [...CASES, ...OLD_CASES]) {
    const { path, first, reinvocation, outcome } = one
    const hook = `${path.slice(1)}, ${first ? 'before' : 'after'} us, ${reinvocation}`
    if (typeof outcome === 'string') {
      it(`arrive beside ${hook}`, async () => {
        const sidecar = await admitted(one)
        expect(sidecar?.restartPolicy).to.equal('Always')
        expect(sidecar?.startupProbe).to.have.property('exec')
        expect(sidecar?.env.map(({ name }) => name)).to.include(outcome)
      })
    } else {
      it(`or a refusal with the reason beside ${hook}`, async () => {
        expect(await admitted(one).catch(String)).to.match(outcome)
      })
    }
  }

  it('of EKS get a verified token', async () => {
    const shop = await openShop(namespaceOf(CASES[0]!))
    const { inject, region, routes } = ASKING
    await shop.apply(shop.pod('orders', { annotations: { inject, region, routes } }))
    const [answer] = await firstAnswers({ namespace: shop.namespace, workload: 'pod/orders' })
    expectVerified(answer!, { subject: 'arn:aws:iam::123456789012:role/service-account' })
  })

  it('of a role-arn annotation stay out of the application', async () => {
    const application = { namespace: managed.namespace, workload: 'deployment/orders' }
    expectVerified((await firstAnswers(application))[0]!)
    const script = `
      const fs = require('node:fs')
      const variables = Object.keys(process.env).filter((name) => name.startsWith('AWS_'))
      const files = ['/var/run/secrets/outbound-jwt.io', '/var/run/secrets/eks.amazonaws.com'].filter((path) => fs.existsSync(path))
      console.log(JSON.stringify({ variables, files }))`
    const container = ['-c', 'application', '--', '/nodejs/bin/node', '-e', script]
    const seen = await kubectl('exec', '-n', managed.namespace, 'deployment/orders', ...container)
    expect(JSON.parse(seen)).to.deep.equal({ variables: [], files: [] })
  })

  /** Creates the pod as a dry run beside the other injector. @returns the sidecar as it would be stored. */
  async function admitted(one: Case): Promise<Sidecar | undefined> {
    const shop = await openShop(namespaceOf(one))
    await registerInjector(shop.namespace, one)
    const { inject, routes } = ASKING
    const stored = await create(
      shop.namespace,
      shop.pod('orders', { annotations: { inject, routes } }),
      '--dry-run=server',
    )
    const { spec } = JSON.parse(stored) as { spec: { initContainers: Sidecar[] } }
    return spec.initContainers.find(({ name }) => name === PROXY_CONTAINER)
  }
})

interface Sidecar {
  readonly name: string
  readonly restartPolicy?: string
  readonly startupProbe?: object
  readonly env: readonly { readonly name: string }[]
}

function namespaceOf({ path, name }: Case): string {
  return `outbound-jwt-e2e${path.replaceAll('/', '-')}-${name}`
}
