import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parse, parseAllDocuments } from 'yaml'
import { PROXY_CONTAINER, VERSION } from '../../proxy/src/contract.ts'
import { INJECTION_DEFAULTS } from '../../webhook/src/injection/settings.ts'
import type { AnnotationName } from '../../webhook/src/injection/annotations/annotations.ts'
import { ANNOTATIONS } from '../../webhook/src/injection/annotations/annotations.ts'
import type { MountedObject } from '../../proxy/src/contract.ts'
import { mountedVolume } from '../../webhook/src/injection/annotations/mounted-volume.ts'
import { planCredentials } from '../../webhook/src/injection/sidecar/credentials.ts'
import { planInterception } from '../../webhook/src/injection/sidecar/interception.ts'
import { SIDECAR_VARIABLES } from '../../webhook/src/injection/sidecar/sidecar-variables.ts'
import { templatePath } from '../../webhook/src/injection/workload/path.ts'
import { SHARED_VOLUMES, VOLUME_PREFIX } from '../../webhook/src/injection/sidecar/volumes.ts'
import { SETTINGS } from '../../webhook/src/config.ts'
import { CHART, readChartValues } from '../support/chart/values.ts'
import { ANNOTATION_FORMS } from '../support/generate/annotation-forms.ts'
import { INSTALL } from '../support/generate/chart-install.ts'

interface Policy {
  readonly spec: { readonly variables: readonly { readonly name: string; readonly expression: string }[] }
}

const install = parseAllDocuments(readFileSync(INSTALL, 'utf8')).map(
  (document) => document.toJS() as { kind: string; metadata: { name: string } },
)
const find = (kind: string, name = 'aws-outbound-jwt-injector'): unknown =>
  install.find((object) => object.kind === kind && object.metadata.name === name)
/** Texts at the edges of each form. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  hosts: ['api.partner.example', '*.partner.example:8443', ' a.example , B-1.xn--p1ai. ,c.example:1'],
  duration: ['60', '900s', '15m', '1h'],
  'signing-algorithm': ['RS256', 'ES384'],
  'role-arn': ['arn:aws:iam::123456789012:role/a', 'arn:aws-us-gov:iam::123456789012:role/a/b+=,.@_-c'],
  region: ['eu-central-1', 'us-gov-west-1', 'us-isob-east-1', 'ap-southeast-12'],
  https: ['refuse', 'tunnel', 'intercept'],
  steering: ['proxy', 'hosts'],
  unmatched: ['passthrough', 'deny'],
  'egress-proxy': ['http://squid.corp.example:3128', 'HTTPS://Proxy/', 'http://[fd00::1]:3128'],
  'egress-proxy-secret': ['corporate-proxy/credentials', 'a.b/_x.y'],
  'extra-ca': ['corporate-ca/ca.crt', 'a.b/_x.y'],
  'env-policy': ['refuse', 'keep', 'override', 'chain'],
  runtimes: ['node', 'java', 'node,java', ' java , node '],
  'proxy-port': ['1024', '65535'],
  'admin-port': ['1024', '65535'],
  'log-level': ['error', 'warn', 'info', 'debug'],
}

const KINDS = ['CronJob', 'DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'StatefulSet']

describe('the chart and the code', () => {
  it('have one version', () => {
    const chart = parse(readFileSync(`${CHART}/Chart.yaml`, 'utf8')) as Record<string, unknown>
    expect(chart).to.include({ version: VERSION, appVersion: VERSION })
  })

  it('have the same defaults for the sidecar', () => {
    const sidecar = readChartValues().find(({ path }) => path === 'sidecar')!.children
    const fallback = (name: string): unknown => sidecar.find(({ path }) => path === `sidecar.${name}`)?.fallback
    const { resources, runAsUser, liveness, knownSidecars, extraEnv, imagePullSecrets } = INJECTION_DEFAULTS
    expect(fallback('knownSidecars')).to.deep.equal(knownSidecars)
    expect(fallback('securityContext')).to.deep.equal({ runAsUser })
    expect(fallback('liveness')).to.equal(liveness)
    expect(fallback('extraEnv')).to.deep.equal(extraEnv)
    expect(fallback('imagePullSecrets')).to.deep.equal(imagePullSecrets)
    expect(fallback('resources')).to.deep.equal({
      requests: { cpu: resources.cpuRequest, memory: resources.memoryRequest },
      limits: { cpu: resources.cpuLimit, memory: resources.memoryLimit },
    })
  })

  it('refuse https:// URLs of partners by default', () => {
    const injection = readChartValues().find(({ path }) => path === 'injection')!.children
    expect(injection.find(({ path }) => path === 'injection.https')?.fallback).to.equal(INJECTION_DEFAULTS.https)
  })

  it('lead calls to the sidecar by variables by default', () => {
    const injection = readChartValues().find(({ path }) => path === 'injection')!.children
    expect(injection.find(({ path }) => path === 'injection.steering')?.fallback).to.equal(INJECTION_DEFAULTS.steering)
  })

  it('leave to the operator no variable that injection sets', () => {
    const schema = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as {
      properties: { sidecar: { properties: { extraEnv: { properties: Record<string, unknown> } } } }
    }
    const { properties } = schema.properties.sidecar.properties.extraEnv
    for (const name of SIDECAR_VARIABLES) {
      if (name === 'LOG_LEVEL') expect(properties[name]).to.be.an('object')
      else expect(properties[name], name).to.equal(false)
    }
  })

  it('let the guard know every variable that injection or the operator sets', () => {
    const pods = find('ValidatingAdmissionPolicy', 'aws-outbound-jwt-injector-pods') as Policy
    const expression = pods.spec.variables.find(({ name }) => name === 'known')?.expression ?? ''
    for (const name of SIDECAR_VARIABLES) expect(expression).to.include(`'${name}'`)
  })

  it('name every volume of the sidecar so that the guard knows it', () => {
    const source: MountedObject['source'] = {
      configMap: { name: 'authority', items: [{ key: 'ca.crt', path: 'ca.crt' }] },
    }
    const { volume } = mountedVolume({ purpose: 'ca', source }, 0)
    const { volumes } = planCredentials('arn:aws:iam::123456789012:role/orders', 'eu-central-1')
    const interception = planInterception({ purpose: 'extra-ca', source }).volumes
    const own = [...volumes, volume, ...interception].map(({ name }) => name)
    expect(own).to.include.members(['aws-outbound-jwt-authority', 'aws-outbound-jwt-extra-ca'])
    for (const name of own) expect(name.startsWith(VOLUME_PREFIX), name).to.equal(true)
    expect(own.filter((name) => SHARED_VOLUMES.includes(name))).to.deep.equal(['aws-outbound-jwt-trust'])
  })

  it('call the container by the same name', () => {
    const pods = JSON.stringify(find('ValidatingAdmissionPolicy', 'aws-outbound-jwt-injector-pods'))
    expect(pods).to.include(`container.name == '${PROXY_CONTAINER}'`)
  })

  for (const [name, pattern] of Object.entries(ANNOTATION_FORMS))
    it(`let helm take a default of ${name} that the webhook takes`, () => {
      const samples = SAMPLES[name] ?? expect.fail(`no samples of ${name}`)
      for (const sample of samples) {
        const problems: unknown[] = []
        ANNOTATIONS[name as AnnotationName].parse(sample, name, (problem) => problems.push(problem))
        expect(problems, `the webhook on ${sample}`).to.deep.equal([])
        expect(sample).to.match(new RegExp(pattern))
      }
    })

  it('ask for warnings at the paths that the webhook serves, about the workloads it knows', () => {
    const { webhooks } = find('ValidatingWebhookConfiguration') as {
      webhooks: { clientConfig: { service: { path: string } }; rules: { resources: string[] }[] }[]
    }
    expect(webhooks.map(({ clientConfig }) => clientConfig.service.path)).to.deep.equal(['/warn'])
    for (const resource of webhooks.flatMap(({ rules }) => rules.flatMap(({ resources }) => resources)))
      expect(KINDS.map((kind) => `${kind.toLowerCase()}s`)).to.include(resource)
    for (const kind of KINDS) expect(templatePath(kind), kind).not.to.equal(undefined)
  })

  it('name the same variables of the webhook', () => {
    const deployment = find('Deployment') as {
      spec: { template: { spec: { containers: { env: { name: string }[] }[] } } }
    }
    const known = Object.values(SETTINGS).map((setting) => setting.variable)
    const names = deployment.spec.template.spec.containers[0]!.env.map(({ name }) => name)
    expect(known).to.include.members(names)
  })
})
