import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parseAllDocuments, stringify } from 'yaml'
import { readCases } from '../../../support/injection/cases.ts'
import type { Json } from '../../../support/injection/object.ts'
import { at, list, nameOf } from '../../../support/injection/object.ts'
import { applyPatch } from '../../../support/json-patch.ts'
import { DEPLOYMENT, runWith } from '../../../support/cli/files.ts'

const pod = {
  metadata: { annotations: { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/hosts': 'api.partner.example' } },
  spec: { containers: [{ name: 'orders', image: 'x' }] },
}
const injectedNames = (value: unknown, ...path: readonly string[]): readonly string[] =>
  list(at(value, ...path, 'spec', 'initContainers')).map(nameOf)

describe('inject', () => {
  it('prints the manifest with the pod as the webhook would make it, comments kept', () => {
    const { status, stdout, stderr } = runWith({ 'a.yaml': DEPLOYMENT }, 'inject', '-f', 'a.yaml')
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    for (const comment of ['# orders', '# who gets the token', '# the application']) expect(stdout).to.contain(comment)
    expect(injectedNames(parseAllDocuments(stdout)[0]?.toJS(), 'spec', 'template')).to.deep.equal([
      'aws-outbound-jwt-proxy',
    ])
    expect(stdout).to.contain('image: ghcr.io/aws-outbound-jwt-injector/proxy:0.1.0')
  })

  it('does to every case what the webhook does', () => {
    let compared = 0
    for (const { name, pod: submitted, decide } of readCases()) {
      const object = { apiVersion: 'v1', kind: 'Pod', ...(submitted as Json) }
      const decision = decide(object)
      if (
        decision.kind !== 'inject' ||
        name.startsWith('namespace-') ||
        /operator|chart|null-|no-metadata|many-parts/.test(name)
      )
        continue
      compared += 1
      const { stdout, stderr } = runWith(
        {
          'pod.yaml': stringify(object, { schema: 'yaml-1.1' }),
          values: 'sidecar: {image: {registry: registry.example, repository: proxy, tag: "1"}}',
        },
        'inject',
        '-f',
        'pod.yaml',
        '--values',
        'values',
        '-o',
        'json',
      )
      expect(stderr.includes('error'), name + stderr).to.equal(false)
      const expected = JSON.stringify(applyPatch<unknown>(object, decision.patch)).replace(
        '\\"version\\":\\"1.2.3\\"',
        '\\"version\\":\\"0.1.0\\"',
      )
      expect(JSON.parse(stdout), name).to.deep.equal(JSON.parse(expected))
    }
    expect(compared).to.be.at.least(30)
  })

  it('changes nothing the second time', () => {
    const once = runWith({ 'a.yaml': DEPLOYMENT }, 'inject', '-f', 'a.yaml').stdout
    expect(runWith({ 'b.yaml': once }, 'inject', '-f', 'b.yaml').stdout).to.equal(once)
    expect(runWith({ 'b.yaml': once }, 'inject', '-f', 'b.yaml', '--diff').stdout).to.equal('')
  })

  it('finds pods in workloads of every kind, and in lists of them', () => {
    const workloads = {
      Deployment: { spec: { template: pod } },
      StatefulSet: { spec: { template: pod } },
      DaemonSet: { spec: { template: pod } },
      ReplicaSet: { spec: { template: pod } },
      Job: { spec: { template: pod } },
      Rollout: { spec: { template: pod } },
      CronJob: { spec: { jobTemplate: { spec: { template: pod } } } },
      PodTemplate: { template: pod },
      Pod: pod,
    }
    const paths: Readonly<Record<string, readonly string[]>> = {
      CronJob: ['spec', 'jobTemplate', 'spec', 'template'],
      PodTemplate: ['template'],
      Pod: [],
    }
    const items = Object.entries(workloads).map(([kind, body]) => ({ kind, ...body }))
    const text = JSON.stringify({
      apiVersion: 'v1',
      kind: 'List',
      items: [...items, { kind: 'List', items: [{ kind: 'Pod', ...pod }] }],
    })
    const result = JSON.parse(runWith({ 'a.json': text }, 'inject', '-f', 'a.json', '-o', 'json').stdout) as {
      items: Json[]
    }
    for (const [index, { kind }] of items.entries())
      expect(injectedNames(result.items[index], ...(paths[kind] ?? ['spec', 'template'])), kind).to.deep.equal([
        'aws-outbound-jwt-proxy',
      ])
    expect(injectedNames(list(result.items[items.length]?.['items'])[0])).to.deep.equal(['aws-outbound-jwt-proxy'])
  })

  it('finds pods anywhere below spec, whoever defined the kind', () => {
    const items = [
      { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledJob', spec: { jobTargetRef: { template: pod } } },
      {
        apiVersion: 'ray.io/v1',
        kind: 'RayCluster',
        spec: { headGroupSpec: { template: pod }, workerGroupSpecs: [{ template: pod }, { template: pod }] },
      },
      {
        apiVersion: 'flink.apache.org/v1beta1',
        kind: 'FlinkDeployment',
        spec: { podTemplate: { apiVersion: 'v1', kind: 'Pod', ...pod } },
      },
    ]
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    const { status, stdout, stderr } = runWith({ a: text }, 'inject', '-f', 'a', '-o', 'json')
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    const { items: injected } = JSON.parse(stdout) as { items: Json[] }
    expect(
      injected.map((item) => JSON.stringify(item).match(/"name":"aws-outbound-jwt-proxy"/g)?.length),
    ).to.deep.equal([1, 3, 1])
  })

  it('takes nothing for a pod that makes none: whole objects inside others, schemas, policies, lists of something else', () => {
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, spec: { template: pod } }
    const items = [
      { apiVersion: 'work.example.io/v1', kind: 'ManifestWork', spec: { workload: { manifests: [deployment] } } },
      { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', spec: { example: pod } },
      { apiVersion: 'kyverno.io/v1', kind: 'ClusterPolicy', spec: { rules: [{ validate: { pattern: pod } }] } },
      { apiVersion: 'mutations.gatekeeper.sh/v1', kind: 'Assign', spec: { parameters: { assign: { value: pod } } } },
      { apiVersion: 'monitoring.coreos.com/v1', kind: 'Prometheus', ...pod },
      { apiVersion: 'example.io/v1', kind: 'Ship', spec: { template: { ...pod, spec: { containers: [] } } } },
      { apiVersion: 'example.io/v1', kind: 'Port', spec: { template: { ...pod, spec: { containers: ['blue'] } } } },
    ]
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    const { stdout } = runWith({ a: text }, 'inject', '-f', 'a', '-o', 'json')
    expect(JSON.parse(stdout)).to.deep.equal(JSON.parse(text))
  })

  it('leaves other documents as they were written', () => {
    const other = 'apiVersion: v1\nkind:   Service   # odd\nmetadata: {name: a,   labels: {}}\n'
    const { stdout } = runWith({ 'a.yaml': `${other}---\n${DEPLOYMENT}---\n${other}` }, 'inject', '-f', 'a.yaml')
    expect(stdout.startsWith(`${other}---\n`)).to.equal(true)
    expect(stdout.endsWith(`---\n${other}`)).to.equal(true)
    expect(parseAllDocuments(stdout)).to.have.lengthOf(3)
  })

  it('joins files, and makes a List of them as JSON', () => {
    const files = {
      'a.yaml': DEPLOYMENT.trimEnd(),
      'b.yaml': `---\n${DEPLOYMENT}`,
      '-': DEPLOYMENT,
      'empty.yaml': '# nothing\n',
    }
    const args = ['inject', '-f', 'a.yaml', '-f', 'b.yaml', '-f', '-']
    expect(parseAllDocuments(runWith(files, ...args).stdout)).to.have.lengthOf(3)
    const result: unknown = JSON.parse(runWith(files, ...args, '-o', 'json').stdout)
    expect(at(result, 'kind')).to.equal('List')
    expect(at(result, 'items')).to.have.lengthOf(3)
    expect(runWith(files, 'inject', '-f', 'empty.yaml').stdout).to.equal('# nothing\n')
  })

  it('shows what would change as a diff that a person reads', () => {
    const { stdout } = runWith({ 'a.yaml': DEPLOYMENT }, 'inject', '-f', 'a.yaml', '--diff')
    const lines = stdout.split('\n')
    expect(lines.slice(0, 2)).to.deep.equal(['--- a.yaml', '+++ a.yaml (injected)'])
    expect(lines.filter((line) => /^-(?!--)/.test(line))).to.deep.equal([])
    expect(stdout).to.contain('+        - name: aws-outbound-jwt-proxy\n')
  })

  it("keeps the author's indentation of lists, quotes and braces", () => {
    const text =
      'kind: Pod\nmetadata:\n  labels: {app: "a"}\n  annotations: {outbound-jwt.io/inject: "true", outbound-jwt.io/hosts: a.example}\nspec:\n  containers:\n  - name: a\n    image: "x"\n'
    const { stdout } = runWith({ 'a.yaml': text }, 'inject', '-f', 'a.yaml')
    expect(stdout)
      .to.contain('labels: {app: "a", outbound-jwt.io/injected: ')
      .and.to.contain('\n  - name: a\n')
      .and.to.contain('\n  initContainers:\n  - name: aws')
  })

  it('reads YAML as Kubernetes does', () => {
    const text = `${DEPLOYMENT}          args: [12:30, 2020-01-01, yes, 0644, 1_000]\n`
    const result: unknown = JSON.parse(runWith({ 'a.yaml': text }, 'inject', '-f', 'a.yaml', '-o', 'json').stdout)
    expect(list(at(result, 'spec', 'template', 'spec', 'containers'))[0]?.['args']).to.deep.equal([
      '12:30',
      '2020-01-01',
      true,
      420,
      1000,
    ])
  })

  it('writes a document with aliases anew, so that no edit shows twice', () => {
    const text =
      'kind: Pod\nmetadata: {annotations: {outbound-jwt.io/inject: "true", outbound-jwt.io/hosts: a.example}}\nspec:\n  containers:\n    - {name: a, image: x, env: &env [{name: A, value: "1"}]}\n    - {name: b, image: x, env: *env}\n    - {<<: &base {image: z}, name: c}\n'
    const result: unknown = JSON.parse(runWith({ 'a.yaml': text }, 'inject', '-f', 'a.yaml', '-o', 'json').stdout)
    const [a, b, c] = list(at(result, 'spec', 'containers'))
    expect(list(a?.['env'])).to.have.lengthOf(6)
    expect(b?.['env']).to.deep.equal(a?.['env'])
    expect(c?.['image']).to.equal('z')
    const again = parseAllDocuments(runWith({ 'a.yaml': text }, 'inject', '-f', 'a.yaml').stdout)[0]
    expect(again?.toJS()).to.deep.equal(result)
  })

  it('prints nothing when a pod would be refused, and every reason with its line', () => {
    const bad = DEPLOYMENT.replace('api.partner.example', '10.0.0.1').replace("inject: 'true'", 'inject: yes')
    const { status, stdout, stderr } = runWith({ 'a.yaml': `${DEPLOYMENT}---\n${bad}` }, 'inject', '-f', 'a.yaml')
    expect({ status, stdout }).to.deep.equal({ status: 1, stdout: '' })
    expect(stderr.split('\n')).to.deep.equal([
      'a.yaml:28: error: Deployment/orders: outbound-jwt.io/inject: got "true", expected a string; quote it',
      'a.yaml:29: error: Deployment/orders: outbound-jwt.io/hosts[0]: got "10.0.0.1", expected a DNS name (IDN as xn--) or *.suffix with at least two labels after *., with an optional :port; no IP address, no localhost',
      '',
    ])
  })

  it('passes warnings on', () => {
    const text = DEPLOYMENT.replace('    spec:\n', '    spec:\n      shareProcessNamespace: true\n')
    const { status, stderr } = runWith({ 'a.yaml': text }, 'inject', '-f', 'a.yaml')
    expect(status).to.equal(0)
    expect(stderr).to.equal(
      'a.yaml:7: warning: Deployment/orders: spec.shareProcessNamespace lets other containers read the memory and files of the sidecar\n',
    )
  })

  it('repairs, and leaves alone, as the webhook does', () => {
    const once = runWith({ 'a.yaml': DEPLOYMENT }, 'inject', '-f', 'a.yaml').stdout
    const stripped = once.replace(/ +restartPolicy: Always\n/, '')
    expect(stripped).not.to.equal(once)
    const repaired = runWith({ 'b.yaml': stripped }, 'inject', '-f', 'b.yaml', '-o', 'json').stdout
    const [sidecar] = list(at(JSON.parse(repaired), 'spec', 'template', 'spec', 'initContainers'))
    expect(sidecar?.['restartPolicy']).to.equal('Always')
  })

  it('opts pods in by the label of their namespace, when the values say that it counts', () => {
    const plain = DEPLOYMENT.replace(/ +outbound-jwt.*\n/g, '')
      .replace('annotations:', 'labels: {}')
      .replace('name: orders\nspec', 'name: orders\n  namespace: shop\nspec')
    const namespace = 'kind: Namespace\nmetadata: {name: shop, labels: {outbound-jwt.io/inject: enabled}}\n'
    const values = 'namespaceOptIn: {enabled: true, defaults: {hosts: api.partner.example}}'
    const files = { 'a.yaml': `${namespace}---\n${plain}`, on: values, off: values.replace('true', 'false') }
    const injected = (...more: readonly string[]): boolean =>
      runWith(files, 'inject', '-f', 'a.yaml', ...more).stdout.includes('aws-outbound-jwt-proxy')
    expect(injected('--values', 'on')).to.equal(true)
    expect(injected('--values', 'off')).to.equal(false)
    expect(injected()).to.equal(false)
  })
})
