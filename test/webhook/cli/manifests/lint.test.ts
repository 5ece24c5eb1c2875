import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DEPLOYMENT, runWith } from '../../../support/cli/files.ts'

const lint = (text: string, ...more: readonly string[]): { status: number; lines: readonly string[] } => {
  const { status, stdout } = runWith({ 'a.yaml': text }, 'lint', '-f', 'a.yaml', ...more)
  return { status, lines: stdout.split('\n').slice(0, -1) }
}

describe('lint', () => {
  it('has nothing to say about a right manifest', () => {
    expect(lint(DEPLOYMENT)).to.deep.equal({ status: 0, lines: [] })
    expect(lint('# nothing\n')).to.deep.equal({ status: 0, lines: [] })
    expect(lint('just text')).to.deep.equal({ status: 0, lines: [] })
  })

  it('says on standard error how many pods ask for tokens, so that silence is not taken for a good file', () => {
    const summary = (text: string): string => runWith({ 'a.yaml': text }, 'lint', '-f', 'a.yaml').stderr
    expect(summary(DEPLOYMENT)).to.equal('1 pod asks for tokens, 0 do not; no problems\n')
    const plain = 'kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a}]}\n'
    expect(summary(`${plain}---\n${plain}`)).to.equal('0 pods ask for tokens, 2 do not; no problems\n')
    const wrong = DEPLOYMENT.replace('api.partner.example', '10.0.0.1')
    expect(summary(`${wrong}---\n${plain}`)).to.equal('1 pod asks for tokens, 1 does not; 1 error\n')
    expect(runWith({ 'a.yaml': plain }, 'lint', '-f', 'a.yaml', '-o', 'json').stderr).to.equal('')
  })

  for (const prefix of ['outboundjwt.io', 'outbound-jwt.com', 'outbound-jwt.oi', 'outbond-jwt.io'])
    it(`finds the prefix ${prefix}, which is nearly ours`, () => {
      expect(lint(DEPLOYMENT.replaceAll('outbound-jwt.io', prefix))).to.deep.equal({
        status: 1,
        lines: ['inject', 'hosts'].map(
          (name, index) =>
            `a.yaml:${index + 11}: error: Deployment/orders: ${prefix}/${name} has no effect; did you mean outbound-jwt.io/${name}?`,
        ),
      })
    })

  it('leaves alone what is named alike under another prefix', () => {
    for (const prefix of ['sidecar.istio.io', 'linkerd.io', 'config.example.com'])
      expect(lint(DEPLOYMENT.replaceAll('outbound-jwt.io', prefix))).to.deep.equal({ status: 0, lines: [] })
  })

  it('finds annotations on the wrong object, and says where they belong', () => {
    const text = `kind: CronJob
metadata:
  name: report
  annotations: {outbound-jwt.io/inject: 'true'}
spec:
  jobTemplate:
    metadata:
      annotations:
        outbound-jwt.io/hosts: a.example
    spec: {template: {spec: {containers: [{name: a}]}}}
---
kind: Service
metadata:
  annotations:
    outbound-jwt.io/inject: 'true'
`
    expect(lint(text)).to.deep.equal({
      status: 1,
      lines: [
        'a.yaml:4: error: CronJob/report: outbound-jwt.io/inject at metadata.annotations has no effect: write it at spec.jobTemplate.spec.template.metadata.annotations',
        'a.yaml:9: error: CronJob/report: outbound-jwt.io/hosts at spec.jobTemplate.metadata.annotations has no effect: write it at spec.jobTemplate.spec.template.metadata.annotations',
        'a.yaml:15: error: Service/unnamed: outbound-jwt.io/inject at metadata.annotations has no effect: no pod is made from this object',
      ],
    })
  })

  it('warns of annotations of kinds that only their own controllers understand', () => {
    const text = `apiVersion: tekton.dev/v1
kind: TaskRun
metadata:
  name: build
  annotations: {outbound-jwt.io/inject: 'true'}
---
apiVersion: ray.io/v1
kind: RayCluster
metadata:
  name: ray
  annotations: {outbound-jwt.io/inject: 'true'}
spec:
  workerGroupSpecs:
    - template: {spec: {containers: [{name: a}]}}
---
apiVersion: capsule.clastix.io/v1beta2
kind: Tenant
metadata: {name: shop}
spec: {namespaceOptions: {additionalMetadata: {labels: {outbound-jwt.io/inject: enabled}}}}
`
    expect(lint(text)).to.deep.equal({
      status: 0,
      lines: [
        'a.yaml:5: warning: TaskRun/build: outbound-jwt.io/inject at metadata.annotations: whether it reaches a pod is up to the controller of TaskRun',
        'a.yaml:11: warning: RayCluster/ray: outbound-jwt.io/inject at metadata.annotations: whether it reaches a pod is up to the controller of RayCluster; it does at spec.workerGroupSpecs[0].template.metadata.annotations',
        'a.yaml:19: warning: Tenant/shop: outbound-jwt.io/inject as a label has an effect on a Namespace alone; for pods it is an annotation',
      ],
    })
  })

  it('accepts a patch of a workload that leaves the containers out', () => {
    const patch = `apiVersion: apps/v1
kind: Deployment
metadata: {name: orders}
spec: {template: {metadata: {annotations: {outbound-jwt.io/inject: 'true'}}}}
`
    expect(lint(patch)).to.deep.equal({ status: 0, lines: [] })
  })

  it('finds labels that should be annotations', () => {
    const text = DEPLOYMENT.replace(
      '      annotations:',
      "      labels: {outbound-jwt.io/inject: 'true'}\n      annotations:",
    )
    expect(lint(text).lines).to.deep.equal([
      'a.yaml:9: error: Deployment/orders: outbound-jwt.io/inject as a label has no effect: it is an annotation, write it at spec.template.metadata.annotations',
    ])
    expect(lint('kind: Service\nmetadata: {labels: {outbound-jwt.io/hosts: a}}').lines).to.deep.equal([
      'a.yaml:2: error: Service/unnamed: outbound-jwt.io/hosts as a label has no effect: it is an annotation',
    ])
  })

  it('lets the label of injected pods stand on pods, and nowhere else', () => {
    const labelled = (value: string): string =>
      DEPLOYMENT.replace('      annotations:', `      labels: {outbound-jwt.io/injected: '${value}'}\n      annotations:`)
    expect(lint(labelled('true'))).to.deep.equal({ status: 0, lines: [] })
    expect(lint(labelled('no')).lines).to.deep.equal([
      'a.yaml:9: error: Deployment/orders: metadata.labels[outbound-jwt.io/injected]: got "no", expected no such label: the webhook writes it on every pod that it injects',
    ])
    expect(lint("kind: Service\nmetadata: {labels: {outbound-jwt.io/injected: 'true'}}").status).to.equal(1)
  })

  it('knows what a namespace takes', () => {
    const namespace = (labels: string, annotations = '{}'): string =>
      `kind: Namespace\nmetadata:\n  name: shop\n  labels: ${labels}\n  annotations: ${annotations}\n`
    expect(lint(namespace('{outbound-jwt.io/inject: enabled, other: x}'))).to.deep.equal({ status: 0, lines: [] })
    expect(
      lint(namespace('{outbound-jwt.io/inject: "yes", outbound-jwt.io/hosts: a}', '{outbound-jwt.io/inject: "true"}')),
    ).to.deep.equal({
      status: 1,
      lines: [
        'a.yaml:4: error: Namespace/shop: label outbound-jwt.io/inject: got "yes", expected true or enabled or false or disabled',
        'a.yaml:4: error: Namespace/shop: label outbound-jwt.io/hosts has no effect: the only one is outbound-jwt.io/inject',
        'a.yaml:5: error: Namespace/shop: outbound-jwt.io/inject at metadata.annotations has no effect: a namespace is opted in by the label outbound-jwt.io/inject=enabled',
      ],
    })
  })

  it('finds bad values with their lines, and what is impossible at the spec', () => {
    const text = DEPLOYMENT.replace('hosts: api', 'audiance: api').replace(
      '    spec:\n',
      '    spec:\n      hostNetwork: true\n',
    )
    expect(lint(text)).to.deep.equal({
      status: 1,
      lines: [
        'a.yaml:9: error: Deployment/orders: outbound-jwt.io/hosts: is missing, expected at least one partner host, in outbound-jwt.io/hosts, outbound-jwt.io/audience or outbound-jwt.io/routes',
        'a.yaml:12: error: Deployment/orders: outbound-jwt.io/audiance: got "api.partner.example", expected a known annotation; did you mean outbound-jwt.io/audience?',
        'a.yaml:13: error: Deployment/orders: spec.hostNetwork: got "true", expected false: a pod network of its own',
      ],
    })
  })

  it('ends well when there are warnings alone', () => {
    const { status, lines } = lint(DEPLOYMENT.replace('    spec:\n', '    spec:\n      shareProcessNamespace: true\n'))
    expect(status).to.equal(0)
    expect(lines.join()).to.match(/^a\.yaml:7: warning: Deployment\/orders: spec\.shareProcessNamespace/)
  })

  it('prints findings as JSON for other tools', () => {
    const { status, lines } = lint(DEPLOYMENT.replace("'true'", "'yes'"), '-o', 'json')
    expect(status).to.equal(1)
    expect(JSON.parse(lines.join('\n'))).to.deep.equal([
      {
        file: 'a.yaml',
        object: 'Deployment/orders',
        reason: 'invalid-annotation',
        line: 11,
        severity: 'error',
        message: 'outbound-jwt.io/inject: got "yes", expected true or enabled or false or disabled',
      },
    ])
    expect(JSON.parse(lint(DEPLOYMENT, '-o', 'json').lines.join('\n'))).to.deep.equal([])
  })

  it('goes through files in the order given', () => {
    const bad = DEPLOYMENT.replace("'true'", "'yes'")
    const { stdout } = runWith({ 'b.yaml': bad, 'a.yaml': bad }, 'lint', '-f', 'b.yaml', '-f', 'a.yaml')
    expect(stdout.split('\n').map((line) => line.split(':')[0])).to.deep.equal(['b.yaml', 'a.yaml', ''])
  })

  it('holds manifests to a policy, each in its namespace', () => {
    const rules = "rules: [{name: a, namespaces: [default], hosts: [api.partner.example], audiences: ['*'], sources: [aws]}]"
    const withPolicy = (text: string, policy = rules): ReturnType<typeof runWith> =>
      runWith({ 'a.yaml': text, 'policy.yaml': policy }, 'lint', '-f', 'a.yaml', '--policy', 'policy.yaml')
    expect(withPolicy(DEPLOYMENT)).to.include({ status: 0, stdout: '' })
    const elsewhere = withPolicy(DEPLOYMENT.replace('  name: orders\n', '  name: orders\n  namespace: shop\n'))
    expect(elsewhere.status).to.equal(1)
    expect(elsewhere.stdout).to.match(
      /^a\.yaml:\d+: error: Deployment\/orders: outbound-jwt\.io\/hosts: got "api\.partner\.example", expected a host that the policy of this cluster grants to namespace shop: none$/m,
    )
    expect(withPolicy(DEPLOYMENT, 'rules: [{name: a, namespaces: [b], host: []}]')).to.deep.include({
      status: 64,
      stderr:
        'outbound-jwt: policy.yaml rules[0].host: got "host", expected one of name, namespaces, hosts, audiences, roleArns, sources, exchanges, https\n',
    })
  })

  it("holds manifests to the policy in the chart's values as to one in a file", () => {
    const withRules = (rules: string, command = 'lint', ...args: readonly string[]): ReturnType<typeof runWith> =>
      runWith(
        { 'a.yaml': DEPLOYMENT, 'values.yaml': `policy: {rules: ${rules}}`, 'policy.yaml': `rules: ${rules}` },
        ...[command, '-f', 'a.yaml', '--values', 'values.yaml', ...args],
      )
    const granting = "[{name: a, namespaces: [default], hosts: [api.partner.example], audiences: ['*'], sources: [aws]}]"
    for (const rules of [granting, '[]', 'null'])
      expect(withRules(rules), rules).to.include({ status: 0, stdout: '' })
    const others = granting.replace('api.partner', 'api.other')
    expect(withRules(others).status).to.equal(1)
    expect(withRules(others).stdout).to.equal(
      runWith({ 'a.yaml': DEPLOYMENT, p: `rules: ${others}` }, 'lint', '-f', 'a.yaml', '--policy', 'p').stdout,
    )
    expect(withRules(others).stdout).to.contain('grants to namespace default: api.other.example')
    expect(withRules(others, 'inject')).to.include({ status: 0, stderr: '' })
    expect(withRules(granting, 'lint', '--policy', 'policy.yaml')).to.deep.include({
      status: 64,
      stderr: 'outbound-jwt: expected --policy without policy.rules in values.yaml: there is one policy\n',
    })
  })

  it("names a rule in the chart's values that is wrong by its place there", () => {
    const stderrOf = (rules: string): string =>
      runWith(
        { 'a.yaml': DEPLOYMENT, 'values.yaml': `policy: {rules: ${rules}}` },
        ...['lint', '-f', 'a.yaml', '--values', 'values.yaml'],
      ).stderr
    expect(stderrOf('[{name: a, namespaces: [b], hosts: []}]')).to.equal(
      'outbound-jwt: These settings cannot be used:\n  policy.rules[0].hosts: got "[]", expected a list of 1 to 1000 strings\n',
    )
    expect(stderrOf('{name: a}')).to.equal(
      'outbound-jwt: These settings cannot be used:\n  policy.rules: got "{\\"name\\":\\"a\\"}", expected a list of rules\n',
    )
  })
})
