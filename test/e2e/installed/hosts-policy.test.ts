import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { eventually } from '../support/eventually.ts'
import { dryRun } from '../support/dry-run.ts'
import { pod, podSpec } from '../support/guard.ts'
import { apply, createNamespace, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { ROLE_ARN } from '../support/names.ts'

const NAMESPACES = { shop: 'outbound-jwt-hosts-shop', other: 'outbound-jwt-hosts-other', policy: 'outbound-jwt-hosts' }
const LABELS = { 'outbound-jwt-test': 'hosts' }
const ACTIVE_LIMIT_MS = 30_000
/** With a role of their own, so that the guard has nothing against these pods. */
const ASKED = { inject: 'true', 'role-arn': ROLE_ARN, region: 'eu-central-1' }
const asking = (annotations: Readonly<Record<string, string>>): object => pod({ ...ASKED, ...annotations }, podSpec())

/** The example, for namespaces of this test alone. */
function scopedExample(): string {
  const text = readFileSync('manifests/examples/hosts-policy.yaml', 'utf8')
    .replaceAll('outbound-jwt-policy', NAMESPACES.policy)
    .replaceAll('  shop: ', `  ${NAMESPACES.shop}: `)
  const documents = parseAllDocuments(text)
  const binding = documents.find((document) => document.get('kind') === 'ValidatingAdmissionPolicyBinding')
  binding?.setIn(['spec', 'matchResources'], { namespaceSelector: { matchLabels: LABELS } })
  return documents.map(String).join('---\n')
}

describe('the example policy of hosts', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await cleanUp()
    await Promise.all([createNamespace(NAMESPACES.shop, LABELS), createNamespace(NAMESPACES.other, LABELS)])
    await kubectl('create', 'namespace', NAMESPACES.policy)
    await apply(NAMESPACES.policy, scopedExample())
    const settled = async (): Promise<boolean> =>
      (await dryRun(NAMESPACES.other, asking({ hosts: 'x.example' }))).refused !== undefined &&
      (await dryRun(NAMESPACES.shop, asking({ hosts: 'api.partner.example' }))).refused === undefined
    await eventually('the policy is in force', settled, ACTIVE_LIMIT_MS)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await cleanUp()
  })

  it('lets a namespace ask for its hosts', async () => {
    const object = asking({ hosts: '*.eu.partner.example, api.partner.example' })
    expect((await dryRun(NAMESPACES.shop, object)).refused).to.equal(undefined)
  })

  it('says nothing to pods that ask for nothing', async () => {
    expect((await dryRun(NAMESPACES.other, pod({}, podSpec()))).refused).to.equal(undefined)
  })

  for (const [what, namespace, annotations, message] of [
    [
      'a host of nobody',
      'shop',
      { hosts: 'api.partner.example,evil.example' },
      'may not ask for tokens for evil.example',
    ],
    ['a wider wildcard', 'shop', { hosts: '*.partner.example' }, 'may not ask for tokens for *.partner.example'],
    ['a host of another namespace', 'other', { hosts: 'api.partner.example' }, 'it may for: no host'],
    ['hosts by audience', 'shop', { audience: 'https://api.partner.example' }, 'not in routes or audience alone'],
    ['hosts by routes', 'shop', { routes: '- {hosts: [api.partner.example]}' }, 'not in routes or audience alone'],
  ] as const)
    it(`refuses ${what}`, async () => {
      expect((await dryRun(NAMESPACES[namespace], asking(annotations))).refused).to.include(message)
    })
})

async function cleanUp(): Promise<void> {
  for (const kind of ['validatingadmissionpolicybinding', 'validatingadmissionpolicy'])
    await kubectl('delete', kind, 'outbound-jwt-hosts', '--ignore-not-found')
  await deleteNamespaces(...Object.values(NAMESPACES))
}
