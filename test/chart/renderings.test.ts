import { readFileSync, readdirSync } from 'node:fs'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { parseAllDocuments } from 'yaml'
import type { Document } from 'yaml'
import { RELEASE, VALUES, renderChart } from '../support/chart/render.ts'
import { writeClusterSchemas } from '../support/chart/schemas.ts'
import { isInstalled, runTool } from '../support/chart/tools.ts'

const HAS_CLUSTER = process.env['KUBECONFIG'] !== undefined
/** Kinds of operators that neither kubeconform nor a bare API server knows. */
const FOREIGN = /^(cert-manager\.io|monitoring\.coreos\.com|networking\.istio\.io)\//
const FOREIGN_KINDS = 'Certificate,Issuer,ServiceMonitor,PodMonitor,PrometheusRule,ServiceEntry'
const NAMESPACE = 'outbound-jwt-chart'
const EXAMPLES = readdirSync('manifests/examples')

const readExample = (file: string): string => readFileSync(`manifests/examples/${file}`, 'utf8')

/** The objects that a bare API server knows. */
const servedOf = (manifest: string): readonly Document[] =>
  parseAllDocuments(manifest).filter((document) => !FOREIGN.test(String(document.get('apiVersion'))))

/** A tool is a process of its own, on a machine that may be busy. */
const SLOW_MS = 60_000

describe('renderings, by kubeconform', function () {
  this.timeout(SLOW_MS)
  let location = 'default'
  let remove = (): void => undefined

  before(function () {
    if (!isInstalled('helm') || !isInstalled('kubeconform')) this.skip()
    if (HAS_CLUSTER) ({ location, remove } = writeClusterSchemas())
    // Without a cluster kubeconform fetches the schemas of Kubernetes itself, if this machine may.
    else if (!canFetchSchemas()) this.skip()
  })

  after(() => remove())

  const conform = (rendered: string): string =>
    runTool('kubeconform', ['-strict', '-summary', '-schema-location', location, '-skip', FOREIGN_KINDS], rendered)

  for (const [name, file] of VALUES)
    it(`${name} conforms`, () => {
      expect(conform(renderChart(['--values', file]))).to.include('Invalid: 0, Errors: 0')
    })

  for (const file of EXAMPLES)
    it(`the example ${file} conforms`, () => {
      expect(conform(readExample(file))).to.include('Invalid: 0, Errors: 0')
    })

  it('a field that does not exist does not conform', () => {
    const rendered = renderChart().replace('replicas:', 'replica:')
    expect(() => conform(rendered)).to.throw('replica')
  })
})

function canFetchSchemas(): boolean {
  try {
    runTool('kubeconform', ['-strict'], 'apiVersion: v1\nkind: Namespace\nmetadata: { name: any }\n')
    return true
  } catch {
    return false
  }
}

describe('renderings, by an API server', function () {
  this.timeout(SLOW_MS)
  before(function () {
    if (!HAS_CLUSTER || !isInstalled('helm')) this.skip()
    runTool('kubectl', ['delete', 'namespace', NAMESPACE, '--ignore-not-found'])
    runTool('kubectl', ['create', 'namespace', NAMESPACE])
  })

  after(() => {
    if (HAS_CLUSTER) runTool('kubectl', ['delete', 'namespace', NAMESPACE, '--ignore-not-found'])
  })

  for (const [name, file] of VALUES)
    it(`${name} is accepted`, () => {
      // Under names of its own: the chart may be installed, and a dry-run on top of it merges lists.
      const rendered = renderChart(['--values', file], NAMESPACE).replaceAll(RELEASE, NAMESPACE)
      expectAccepted(rendered)
    })

  for (const file of EXAMPLES.filter((name) => servedOf(readExample(name)).length > 0))
    it(`the example ${file} is accepted`, () => {
      // In a namespace that is there; its own are made by the same file, and a dry-run makes none.
      expectAccepted(readExample(file).replaceAll(/^ {2}namespace: .*$/gm, ''))
    })
})

function expectAccepted(manifest: string): void {
  const served = servedOf(manifest)
  const dryRun = ['apply', '-n', NAMESPACE, '--server-side', '--force-conflicts', '--dry-run=server', '-f', '-']
  const accepted = runTool('kubectl', dryRun, served.map(String).join('---\n'))
  expect(accepted.trim().split('\n')).to.have.lengthOf(served.length)
}
