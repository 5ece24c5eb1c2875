import { expect } from 'chai'
import { describe, it } from 'mocha'
import { createInjector } from '../../../../webhook/src/injection/decide.ts'
import type { WorkloadRequest } from '../../../../webhook/src/injection/workload/warnings.ts'
import { createWorkloadWarner } from '../../../../webhook/src/injection/workload/warnings.ts'
import { INJECTION_DEFAULTS } from '../../../../webhook/src/injection/settings.ts'

const warn = createWorkloadWarner(createInjector({ ...INJECTION_DEFAULTS, image: 'proxy:1' }))
const ASKED = { inject: 'true', hosts: 'api.partner.example' }

const prefixed = (entries: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(entries).map(([name, value]) => [`outbound-jwt.io/${name}`, value]))

interface Places {
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly own?: object
  readonly ofJob?: object
  readonly env?: readonly object[]
}

function workload(kind: string, { annotations = {}, labels = {}, own = {}, ofJob = {}, env = [] }: Places): object {
  const template = {
    metadata: { annotations: prefixed(annotations), labels: prefixed(labels) },
    spec: { containers: [{ name: 'orders', image: 'orders:1', env }] },
  }
  const metadata = { name: 'orders', ...own }
  if (kind === 'CronJob') return { kind, metadata, spec: { jobTemplate: { metadata: ofJob, spec: { template } } } }
  return { kind, metadata, spec: { template } }
}

const told = (object: unknown, mode: WorkloadRequest['mode'] = 'pod'): readonly string[] =>
  warn({ workload: object, mode, namespace: 'shop' })

const KINDS = ['CronJob', 'DaemonSet', 'Deployment', 'Job', 'ReplicaSet', 'StatefulSet']

describe('warnings about a workload', () => {
  for (const kind of KINDS) {
    it(`are none for a ${kind} whose pods are injected, or have nothing of ours`, () => {
      expect(told(workload(kind, { annotations: ASKED }))).to.deep.equal([])
      expect(told(workload(kind, {}))).to.deep.equal([])
      expect(told(workload(kind, { annotations: { inject: 'false' } }))).to.deep.equal([])
    })

    it(`say for a ${kind} what its pods would be refused for, in the words of their refusal`, () => {
      expect(told(workload(kind, { annotations: { ...ASKED, hosts: 'https://api.partner.example/' } }))).to.deep.equal([
        'its pods will be refused: outbound-jwt.io/hosts[0]: got "https://api.partner.example/", expected a DNS name (IDN as xn--) or *.suffix with at least two labels after *., with an optional :port; no IP address, no localhost; did you mean api.partner.example?',
      ])
    })

    it(`say where annotations of a ${kind} belong that stand on itself`, () => {
      const place = kind === 'CronJob' ? 'spec.jobTemplate.spec.template' : 'spec.template'
      expect(told(workload(kind, { own: { annotations: prefixed({ inject: 'true' }) } }))).to.deep.equal([
        `outbound-jwt.io/inject at metadata.annotations has no effect: write it at ${place}.metadata.annotations`,
      ])
    })
  }

  it('name every problem', () => {
    const wrong = { ...ASKED, duration: '1 hour', region: 'Frankfurt', host: 'x' }
    const lines = told(workload('Deployment', { annotations: wrong }))
    expect(lines).to.have.lengthOf(3)
    for (const name of ['duration', 'region', 'host'])
      expect(lines.join('\n')).to.include(`its pods will be refused: outbound-jwt.io/${name}: `)
  })

  it('pass on what the pods would be warned of', () => {
    const env = [{ name: 'PARTNER_URL', value: 'https://api.partner.example/v1' }]
    expect(told(workload('Deployment', { annotations: ASKED, env })).join()).to.match(/env\[PARTNER_URL\].*https:/)
  })

  it('are no longer than the API server passes on, however long a key in the wrong place is', () => {
    const [line] = told(workload('Deployment', { own: { annotations: prefixed({ ['x'.repeat(300)]: 'true' }) } }))
    expect(line).to.match(/^outbound-jwt\.io\/x{237}\.\.\.$/)
  })

  it('are about the Job of a CronJob, and about labels, too', () => {
    const ofJob = { annotations: prefixed({ hosts: 'api.partner.example' }) }
    expect(told(workload('CronJob', { ofJob }))[0]).to.match(
      /at spec\.jobTemplate\.metadata\.annotations has no effect/,
    )
    expect(told(workload('Deployment', { labels: { inject: 'true' } }))[0]).to.match(/inject as a label has no effect/)
    expect(told(workload('Deployment', { labels: { injected: 'true' } }))).to.deep.equal([])
  })

  it('know that the namespace has asked for the pods', () => {
    const object = workload('Deployment', { annotations: { hosts: 'api.partner.example' } })
    expect(told(object)[0]).to.match(/outbound-jwt\.io\/inject: is missing/)
    expect(told(object, 'namespace')).to.deep.equal([])
  })

  it('are at most 16, each one line of ASCII', () => {
    const names = Array.from({ length: 40 }, (_, index) => [`ü\n${index}`, 'x'] as const)
    const lines = told(workload('Job', { annotations: { ...ASKED, ...Object.fromEntries(names) } }))
    expect(lines).to.have.lengthOf(16)
    for (const line of lines) expect(line).to.match(/^[\x20-\x7e]+$/)
  })

  for (const odd of [
    undefined,
    null,
    3,
    [],
    {},
    { kind: 'constructor' },
    { kind: 'Deployment' },
    { kind: 'Job', spec: [] },
  ])
    it(`are none for ${JSON.stringify(odd)}`, () => expect(told(odd)).to.deep.equal([]))
})
