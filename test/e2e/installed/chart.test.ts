import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import { PROXY_CONTAINER } from '../../../proxy/src/contract.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { runTool } from '../../support/chart/tools.ts'
import { helm, installChart } from '../support/chart.ts'
import { cli } from '../support/cli.ts'
import { dryRun } from '../support/dry-run.ts'
import { eventually } from '../support/eventually.ts'
import { pod, podSpec } from '../support/guard.ts'
import { apply, deleteNamespaces, kubectl } from '../support/kubectl.ts'
import { PRODUCT, ROLE_ARN, SYSTEM } from '../support/names.ts'

const SHOP = 'outbound-jwt-e2e-chart'
const EXAMPLES = 'manifests/examples'

describe('the chart on a real API server', function () {
  before(async function () {
    if (process.env['KUBECONFIG'] === undefined) this.skip()
    await deleteNamespaces(SHOP)
    // Not restricted: the examples leave security contexts out.
    await kubectl('create', 'namespace', SHOP)
  })

  after(async () => {
    if (process.env['KUBECONFIG'] !== undefined) await deleteNamespaces(SHOP)
  })

  it('passes its own helm test', async () => {
    const said = await helm('test', PRODUCT, '-n', SYSTEM, '--logs')
    expect(said).to.include(`a pod in namespace default gets ${PROXY_CONTAINER}`)
  })

  for (const [file, kind, example] of examplePods()) {
    // A pod that brings its role, or whose one token the cluster signs.
    const needsNoRole = /outbound-jwt\.io\/role-arn|source: kubernetes/.test(JSON.stringify(example))
    it(`${needsNoRole ? 'admits' : 'wants a role for'} the ${kind} of ${file}`, async () => {
      const { refused = '' } = await dryRun(SHOP, example)
      expect(refused).to.match(needsNoRole ? /^$/ : new RegExp(`no AWS role for service account ${SHOP}/default`))
    })
  }

  it('refuses a misspelt annotation, and knows the right one', async () => {
    const { refused } = await dryRun(SHOP, pod({ inject: 'true', host: 'api.partner.example' }, podSpec()))
    expect(refused).to.include('did you mean outbound-jwt.io/hosts?')
  })

  it('keeps the webhook’s caBundle and certificates through an upgrade', async () => {
    const before = await certificates()
    await installChart({ webhook: { timeoutSeconds: 4 } })
    const after = await certificates()
    await installChart()
    expect(before).to.match(/LS0t.*\.crt/s)
    expect(after).to.equal(before)
  })

  it('serves with a certificate that others provide, and with its own again', async () => {
    const authority = await createTestAuthority('webhook')
    const { cert, key } = await authority.issue([`${PRODUCT}.${SYSTEM}.svc`])
    await apply(SYSTEM, {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'provided' },
      stringData: { 'tls.crt': cert, 'tls.key': key },
    })
    const admitted = async (): Promise<void> => {
      const annotations = { inject: 'true', hosts: 'api.partner.example', 'role-arn': ROLE_ARN, region: 'eu-central-1' }
      // The API server takes a moment to see a new caBundle.
      await eventually('the pod is admitted', async () => {
        const { refused } = await dryRun(SHOP, pod(annotations, podSpec()))
        if (refused !== undefined) throw new Error(refused)
        return true
      })
    }
    const certificate = { mode: 'secret', secretName: 'provided', caBundle: authority.ca }
    // As docs/certificates.md has it: a replica of mode self would write its own caBundle again.
    await kubectl('scale', `deployment/${PRODUCT}`, '-n', SYSTEM, '--replicas=0')
    await kubectl(
      'wait',
      '-n',
      SYSTEM,
      'pod',
      '-l',
      `app.kubernetes.io/name=${PRODUCT}`,
      '--for=delete',
      '--timeout=60s',
    )
    await installChart({ certificate }, undefined, ['--force-conflicts'])
    await admitted()
    const { status, stdout } = await cli('check', '-n', SHOP)
    expect(status, stdout).to.equal(0)
    await installChart({}, undefined, ['--take-ownership'])
    await admitted()
    await kubectl('delete', 'secret', 'provided', '-n', SYSTEM)
  })

  it('leaves nothing that a GitOps tool would call drift', async () => {
    const manifest = await helm('get', 'manifest', PRODUCT, '-n', SYSTEM)
    expect(runTool('kubectl', ['diff', '--server-side', '--force-conflicts', '-f', '-'], manifest)).to.equal('')
  })

  it('is accepted as a plain manifest too', () => {
    const install = readFileSync('manifests/install.yaml', 'utf8')
    const objects = parseAllDocuments(install).filter((document) => document.get('kind') !== 'Namespace')
    // In a namespace that exists; a dry-run does not make one.
    const text = objects.map(String).join('---\n').replaceAll('outbound-jwt-system', SYSTEM)
    const dryRun = ['apply', '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-']
    expect(runTool('kubectl', dryRun, text).trim().split('\n')).to.have.lengthOf(objects.length)
  })
})

/** The pods that the workloads of the examples make, where an annotation of the pod asks for a token. */
function* examplePods(): Iterable<readonly [file: string, kind: string, pod: object]> {
  for (const file of readdirSync(EXAMPLES)) {
    for (const document of parseAllDocuments(readFileSync(`${EXAMPLES}/${file}`, 'utf8'))) {
      const spec = document.getIn(['spec', 'jobTemplate', 'spec', 'template']) ?? document.getIn(['spec', 'template'])
      if (spec === undefined || !String(document).includes("outbound-jwt.io/inject: 'true'")) continue
      const template = (spec as { toJSON(): { metadata: object; spec: object } }).toJSON()
      // A dry-run does not need the service account of the example.
      const object = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: 'example' },
        spec: { ...template.spec, serviceAccountName: 'default' },
      }
      yield [file, String(document.get('kind')), object]
    }
  }
}

const certificates = async (): Promise<string> =>
  (await kubectl(
    'get',
    'mutatingwebhookconfiguration',
    PRODUCT,
    '-o',
    'jsonpath={.webhooks[*].clientConfig.caBundle}',
  )) + (await kubectl('get', 'secret', `${PRODUCT}-certificates`, '-n', SYSTEM, '-o', 'jsonpath={.data}'))
