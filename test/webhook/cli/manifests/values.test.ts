import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DEPLOYMENT, runWith } from '../../../support/cli/files.ts'

const files = { 'a.yaml': DEPLOYMENT }
const withValues = (values: string, ...args: readonly string[]): ReturnType<typeof runWith> =>
  runWith({ ...files, 'values.yaml': values }, 'inject', '-f', 'a.yaml', '--values', 'values.yaml', ...args)

describe("the chart's values", () => {
  it('decide what the sidecar looks like, as the chart would', () => {
    const { status, stdout, stderr } = withValues(`
replicaCount: 3
sidecar:
  image: {registry: mirror.example, repository: proxy, digest: 'sha256:abc', pullPolicy: Always}
  imagePullSecrets: [{name: mirror}]
  region: eu-central-1
  resources: {requests: {cpu: 1, memory: null}, limits: {memory: 256Mi}}
  securityContext: {runAsUser: null}
  extraEnv: {HTTPS_PROXY: 'http://proxy:3128'}
  liveness: true
  knownSidecars: []
injection: {https: intercept}
`)
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' })
    for (const text of [
      'image: mirror.example/proxy@sha256:abc\n',
      'imagePullPolicy: Always',
      '- name: mirror',
      'value: eu-central-1',
      "cpu: '1'",
      'memory: 256Mi',
      'name: HTTPS_PROXY',
      'livenessProbe:',
      'name: NODE_EXTRA_CA_CERTS',
    ])
      expect(stdout).to.contain(text)
    for (const text of ['runAsUser', 'memory: 64Mi', 'cpu: 10m']) expect(stdout).not.to.contain(text)
  })

  it('may leave everything out', () => {
    const plain = runWith(files, 'inject', '-f', 'a.yaml').stdout
    for (const values of ['', '{}', 'sidecar: {}', 'sidecar: null', 'sidecar: {image: {registry: ghcr.io, tag: ""}}'])
      expect(withValues(values).stdout).to.equal(plain)
    expect(withValues('sidecar: {image: {registry: "", repository: own/proxy, tag: v2}}').stdout).to.contain(
      'image: own/proxy:v2\n',
    )
  })

  it('that the chart does not have are refused, where they would decide about pods', () => {
    const { status, stderr } = withValues(
      'replicas: 3\nsidecar: {regoin: x, image: {tagg: v2}}\nnamespaceOptIn: {enabled: true, deflaults: {}}\n',
    )
    expect(status).to.equal(64)
    expect(stderr).to.contain('sidecar.regoin: got "x", expected one of image, imagePullSecrets, securityContext,')
    expect(stderr).to.contain('sidecar.image.tagg: got "v2", expected one of pullPolicy, registry, repository, tag, digest below')
    expect(stderr).to.contain('namespaceOptIn.deflaults: got "{}"')
  })

  it('are refused by the names they have in the chart', () => {
    const { status, stderr } = withValues(
      'sidecar: {resources: {limits: {cpu: lots}}, securityContext: {runAsUser: 0}, imagePullSecrets: [x, {}]}',
    )
    expect(status).to.equal(64)
    expect(stderr).to.contain('sidecar.resources.limits.cpu: got "lots", expected none, or CPU')
    expect(stderr).to.contain('sidecar.securityContext.runAsUser: got "0"')
    expect(stderr).to.contain('sidecar.imagePullSecrets: got "x,"')
    expect(withValues('sidecar: {resources: {limits: {memory: 64Mi}}}').stderr).to.contain(
      'sidecar.resources.limits.memory: got "64Mi", expected at least 96Mi',
    )
    expect(withValues('namespaceOptIn: {defaults: {hosts: 10.0.0.1}}').stderr).to.contain(
      'namespaceOptIn.defaults: outbound-jwt.io/hosts[0]: got "10.0.0.1"',
    )
    expect(withValues('a: 1\n---\nb: 2\n').stderr).to.contain('values.yaml: expected one document of values')
  })
})
