import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { renderChart } from '../support/chart/render.ts'
import { isInstalled, runTool } from '../support/chart/tools.ts'
import { CHART } from '../support/chart/values.ts'

/** `--set` of helm, and what it says. */
const REFUSED = [
  ['replicaCount=0', '/replicaCount', 'want 1'],
  ['replicaCounts=2', "'replicaCounts' not allowed"],
  ['sidecar.image.tags=1', '/sidecar/image', "'tags' not allowed"],
  ['certificate.mode=selfsigned', '/certificate/mode', "'self', 'cert-manager', 'secret'"],
  ['certificate.lifetime=90d', '/certificate/lifetime', '(s|m|h)'],
  ['certificate.mode=secret', 'certificate.secretName: a value, because certificate.mode is secret'],
  ['guard.pods=off', '/guard/pods', "'Deny', 'Warn', 'None'"],
  ['guard.workloads=Deny', '/guard/workloads', "'Warn', 'None'"],
  ['webhook.timeoutSeconds=60', '/webhook/timeoutSeconds', 'want 30'],
  ['webhook.adminPort=9443', 'webhook.adminPort: another port than webhook.port'],
  ['image.digest=sha256:1', '/image/digest', '[0-9a-f]{64}'],
  ['sidecar.region=Frankfurt', '/sidecar/region', 'does not match pattern'],
  ['sidecar.resources.limits.memory=64Mi', '/sidecar/resources/limits/memory', 'does not match pattern'],
  ['sidecar.securityContext.runAsUser=0', '/sidecar/securityContext/runAsUser', 'want 1'],
  ['sidecar.extraEnv.ROUTES=x', '/sidecar/extraEnv/ROUTES', 'false schema'],
  ['sidecar.extraEnv.CONTROL_LISTEN_ADDR=x', '/sidecar/extraEnv/CONTROL_LISTEN_ADDR', 'false schema'],
  ['sidecar.extraEnv.UPSTREAM_HOST=x', '/sidecar/extraEnv/UPSTREAM_HOST', 'false schema'],
  ['sidecar.extraEnv.LOG_LEVEL=chatty', '/sidecar/extraEnv/LOG_LEVEL', "'error', 'warn', 'info', 'debug'"],
  ['sidecar.extraEnv.SHUTDOWN_TIMEOUT=long', '/sidecar/extraEnv/SHUTDOWN_TIMEOUT', 'does not match pattern'],
  ['sidecar.extraEnv.A-B=x', '/sidecar/extraEnv', "'A-B' not allowed"],
  ['namespaceOptIn.defaults.host=x', '/namespaceOptIn/defaults', "'host'"],
  ['namespaceOptIn.defaults.hosts=https://x.example/', '/namespaceOptIn/defaults/hosts', 'does not match pattern'],
  ['namespaceOptIn.defaults.duration=2 hours', '/namespaceOptIn/defaults/duration', 'does not match pattern'],
  ['networkPolicy.apiServerCIDRs[0]=10.0.0.1', '/networkPolicy/apiServerCIDRs/0', 'does not match pattern'],
  ['injection.steering=iptables', '/injection/steering', "'proxy', 'hosts'"],
  ['policy.rules[0].name=a', '/policy/rules/0', "missing property 'namespaces'"],
  ['policy.rules[0].host=a', '/policy/rules/0', "'host' not allowed"],
  ['logLevel=DEBUG', '/logLevel', "'debug'"],
] as const

/** A tool is a process of its own, on a machine that may be busy. */
const SLOW_MS = 60_000

describe('the chart, by helm', function () {
  this.timeout(SLOW_MS)
  before(function () {
    if (!isInstalled('helm')) this.skip()
  })

  it('passes helm lint --strict', () => {
    expect(runTool('helm', ['lint', '--strict', CHART])).to.include('0 chart(s) failed')
  })

  it('renders the same bytes for the same values', () => {
    const everything = ['--values', `${CHART}/ci/everything-values.yaml`]
    expect(renderChart(everything)).to.equal(renderChart(everything))
  })

  it('says which Kubernetes it needs', () => {
    const render = (): string => renderChart(['--kube-version', '1.31.9'])
    expect(render).to.throw('chart requires kubeVersion: >=1.32.0-0 which is incompatible with Kubernetes v1.31.9')
  })

  it('takes the version numbers of EKS', () => {
    expect(renderChart(['--kube-version', 'v1.32.3-eks-bcf3d70'])).to.include('kind: Deployment')
  })

  it('can be part of another chart, which sets `global`', () => {
    expect(renderChart(['--set', 'global.anything=1'])).to.include('kind: Deployment')
  })

  for (const [setting, ...expected] of REFUSED)
    it(`refuses ${setting} with its path and what is allowed`, () => {
      expect(() => renderChart(['--set', setting]))
        .to.throw()
        .with.property('message')
        .that.includes(expected[0])
      for (const text of expected) expect(() => renderChart(['--set', setting])).to.throw(text)
    })

  it('refuses an empty list of known sidecars, which the webhook would take for its default', () => {
    const render = (): string => renderChart(['--set-json', 'sidecar.knownSidecars=[]'])
    expect(render).to.throw("'/sidecar/knownSidecars': minItems: got 0, want 1")
  })
})

describe('the chart, by helm-unittest', function () {
  this.timeout(SLOW_MS)
  before(function () {
    if (!isInstalled('helm-unittest')) this.skip()
  })

  it('passes its suites', () => {
    expect(runTool('helm-unittest', ['--strict', CHART])).to.match(/Tests: +\d+ passed, \d+ total/)
  })
})
