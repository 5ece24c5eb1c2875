import { execFile } from 'node:child_process'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { readCases, readYaml } from '../../support/injection/cases.ts'
import type { Expected } from '../../support/injection/expected.ts'
import { eksIrsa } from '../../support/injection/mutations/eks.ts'
import type { Json } from '../../support/injection/object.ts'
import { object } from '../../support/injection/object.ts'
import { restrictedViolations } from '../../support/injection/pod-security.ts'
import { apply, createNamespace, deleteNamespaces, kubectl } from '../support/kubectl.ts'

const ANYTHING_GOES = 'outbound-jwt-e2e-pods'
const RESTRICTED = 'outbound-jwt-e2e-pods-restricted'

/** Cases whose pods this API server would not take as submitted either, and what it says of them. */
const NOT_YET: Readonly<Record<string, RegExp>> = {
  'fields-of-a-newer-api': /"fields-of-a-newer-api" is invalid:.*and~tilde/s,
}

/** What becomes of every case that is injected or repaired, with credentials as EKS's hook gives them, so that the guard has no say. */
const PODS = readCases().flatMap(({ name, expectedFile }): Json[] => {
  const { pod } = readYaml(expectedFile) as Expected
  if (pod === undefined) return []
  const accredited = object(eksIrsa(pod))
  const { annotations, labels } = object(accredited['metadata'])
  return [{ ...accredited, metadata: { name, annotations, labels } }]
})

interface Answers {
  readonly accepted: readonly string[]
  /** Everything the API server says against the others. */
  readonly refusals: string
}

describe('every expected pod on a real API server', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await createNamespace(ANYTHING_GOES, { 'pod-security.kubernetes.io/enforce': 'privileged' })
    await createNamespace(RESTRICTED)
    for (const namespace of [ANYTHING_GOES, RESTRICTED]) {
      await apply(namespace, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'orders' } })
      await kubectl('wait', '--for=create', 'serviceaccount/default', '-n', namespace, '--timeout=60s')
    }
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(ANYTHING_GOES, RESTRICTED)
  })

  it('is accepted', async () => {
    expect(PODS.length).to.be.at.least(50)
    const { accepted, refusals } = await dryRunAll(ANYTHING_GOES)
    const names = PODS.map(nameOf)
    expect(accepted, refusals).to.have.members(names.filter((name) => NOT_YET[name] === undefined))
    for (const reason of Object.values(NOT_YET)) expect(refusals).to.match(reason)
  })

  it('is accepted in a restricted namespace when the model of Pod Security says so, and only then', async () => {
    const { accepted, refusals } = await dryRunAll(RESTRICTED)
    const restricted = PODS.filter((pod) => restrictedViolations(pod).length === 0).map(nameOf)
    expect(restricted).to.include('restricted-namespace')
    expect(accepted, refusals).to.have.members(restricted)
  })
})

const nameOf = ({ metadata }: Json): string => String(object(metadata)['name'])

/** Creates them all in one call by server-side dry-run; fields that the server does not know are dropped, as for any client of a newer API. */
function dryRunAll(namespace: string): Promise<Answers> {
  const list = { apiVersion: 'v1', kind: 'List', items: PODS }
  const args = ['create', '--dry-run=server', '--validate=ignore', '-n', namespace, '-f', '-']
  return new Promise((resolve) => {
    const child = execFile(
      'kubectl',
      args,
      { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
      (_error, stdout, stderr) => {
        const accepted = [...stdout.matchAll(/^pod\/(\S+) created/gm)].map(([, name = '']) => name)
        resolve({ accepted, refusals: stderr })
      },
    )
    child.stdin?.end(JSON.stringify(list))
  })
}
