import { expect } from 'chai'
import { describe, it } from 'mocha'
import { describeProblem } from '../../../../proxy/src/contract.ts'
import type { Decision } from '../../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../../webhook/src/injection/decide.ts'
import { SETTINGS } from '../../../support/injection/cases.ts'
import type { Json } from '../../../support/injection/object.ts'
import { at, list, nameOf } from '../../../support/injection/object.ts'
import { applyPatch } from '../../../support/json-patch.ts'
import type { EnvVar } from '../../../support/kubelet.ts'

const inject = createInjector(SETTINGS)
const decide = (pod: unknown): Decision => inject({ pod, mode: 'pod', operation: 'CREATE' })

/** A pod whose containers have these variables each. */
const podWith = (containers: readonly (readonly EnvVar[])[], annotations: Json = {}): Json => ({
  metadata: {
    annotations: {
      'outbound-jwt.io/inject': 'true',
      'outbound-jwt.io/hosts': 'api.partner.example',
      'outbound-jwt.io/env-policy': 'chain',
      ...annotations,
    },
  },
  spec: { containers: containers.map((env, index) => ({ name: `c${index}`, image: 'x', env })) },
})

function injected(pod: Json): Json {
  const decision = decide(pod)
  if (decision.kind !== 'inject' && decision.kind !== 'repair') throw new Error(JSON.stringify(decision))
  return applyPatch<Json>(pod, decision.patch)
}

const sidecarOf = (pod: Json): Json => list(at(pod, 'spec', 'initContainers'))[0] ?? {}

/** @returns by which proxy the sidecar leaves, and what it calls directly beyond our own entries. */
function wayOut(pod: Json): readonly unknown[] {
  const valueOf = (name: string): unknown => list(sidecarOf(pod)['env']).find((one) => nameOf(one) === name)?.['value']
  return [valueOf('EGRESS_PROXY'), String(valueOf('EGRESS_NO_PROXY')).split('100.64.0.0/10')[1]]
}

const complaints = (pod: Json): readonly string[] => {
  const decision = decide(pod)
  return decision.kind === 'deny' ? decision.problems.map(describeProblem) : [decision.kind]
}

describe('a chained proxy', () => {
  it('is the one of the containers, however they spell it', () => {
    for (const value of ['http://squid.example:3128', 'HTTP://Squid.Example.:3128/', 'squid.example:3128'])
      expect(wayOut(injected(podWith([[{ name: 'Http_Proxy', value }]]))), value).to.deep.equal([
        'http://squid.example:3128',
        '',
      ])
    expect(wayOut(injected(podWith([[{ name: 'HTTP_PROXY', value: 'https://[fd00::1]' }]])))).to.deep.equal([
      'https://[fd00::1]:443',
      '',
    ])
  })

  it('is that of the last entry, which is the one that the container sees', () => {
    const env = ['http://old.example:1', 'http://new.example:1'].map((value) => ({ name: 'HTTP_PROXY', value }))
    expect(wayOut(injected(podWith([env])))).to.deep.equal(['http://new.example:1', ''])
  })

  it('is not the sidecar itself', () => {
    const env = [{ name: 'HTTP_PROXY', value: 'http://127.0.0.1:15400' }]
    expect(complaints(podWith([env]))[0]).to.match(/^outbound-jwt\.io\/env-policy: got "chain", expected HTTP_PROXY or/)
  })

  it('is not a listener of the sidecar in another spelling', () => {
    for (const value of ['localhost:15400', 'http://127.0.0.2:15401', 'http://[::1]:15402/']) {
      const [complaint] = complaints(podWith([[{ name: 'HTTP_PROXY', value }]]))
      expect(complaint, value)
        .to.include(`spec.containers[c0].env[HTTP_PROXY]: got "${value}", expected another proxy: port 1540`)
        .and.include('of this pod is the sidecar itself')
    }
    const env = [{ name: 'HTTP_PROXY', value: 'http://localhost:15400' }]
    expect(wayOut(injected(podWith([env], { 'outbound-jwt.io/proxy-port': '15500' })))[0]).to.equal(env[0]?.value)
  })

  it('comes from the containers that get the variables alone', () => {
    const theirs = [{ name: 'HTTP_PROXY', value: 'http://squid.example:3128' }]
    const other = [{ name: 'HTTP_PROXY', value: 'http://other.example:3128' }]
    const pod = podWith([theirs, other], { 'outbound-jwt.io/skip-containers': 'c1' })
    expect(wayOut(injected(pod))).to.deep.equal(['http://squid.example:3128', ''])
    expect(complaints(podWith([theirs, other]))).to.deep.equal([
      'spec.containers[c1].env[HTTP_PROXY]: got "http://other.example:3128", expected http://squid.example:3128, as spec.containers[c0].env[HTTP_PROXY] has it: the sidecar leaves by one proxy, because outbound-jwt.io/env-policy is chain',
    ])
  })

  it('has what every NO_PROXY says, each once, in every form that clients know', () => {
    const pod = podWith([
      [
        { name: 'HTTP_PROXY', value: 'http://squid.example:3128' },
        { name: 'NO_PROXY', value: ' .a.example,b.example:8080 10.1.0.0/16,localhost' },
        { name: 'no_proxy', value: '*.c.example, .a.example' },
      ],
      [
        { name: 'https_proxy', value: 'http://squid.example:3128' },
        { name: 'NO_PROXY', value: 'd.example' },
        { name: 'no_proxy', value: '$(NO_PROXY)' },
      ],
      [{ name: 'NO_PROXY', value: 'of.a.container.without.a.proxy.example' }],
    ])
    const direct = ',.a.example,b.example:8080,10.1.0.0/16,*.c.example,d.example'
    expect(wayOut(injected(pod))).to.deep.equal(['http://squid.example:3128', direct])
  })

  it('of an injected pod is what its sidecar has, whatever its containers add', () => {
    const first = injected(podWith([[{ name: 'HTTP_PROXY', value: 'http://squid.example:3128' }]]))
    expect(decide(first)).to.include({ kind: 'allow', reason: 'unchanged' })
    list(at(first, 'spec', 'containers'))[0]!['env'] = [
      { name: 'HTTP_PROXY', value: 'http://squid.example:3128' },
      { name: 'NO_PROXY', value: 'late.example' },
    ]
    const again = injected(first)
    expect(wayOut(again)).to.deep.equal(['http://squid.example:3128', ',late.example'])
    expect(decide(again)).to.include({ kind: 'allow', reason: 'unchanged' })
  })

  it('with a NO_PROXY that one variable of the sidecar could not hold is refused', () => {
    const withList = (count: number): Json =>
      podWith([
        [
          { name: 'HTTP_PROXY', value: 'http://squid.example:3128' },
          { name: 'NO_PROXY', value: Array.from({ length: count }, (_, index) => `h${1000 + index}.example`).join() },
        ],
      ])
    expect(decide(injected(withList(2000))).kind).to.equal('allow')
    expect(complaints(withList(3000))).to.deep.equal([
      'spec.containers: got "41999 characters of different NO_PROXY", expected at most 32768 together, because outbound-jwt.io/env-policy is chain',
    ])
  })

  it('never appears with its password, wherever the URL has it', () => {
    for (const value of [
      'http://orders:hunter2@squid.example:3128',
      'orders:hunter2@squid.example:3128',
      'http://squid.example:3128/?password=hunter2',
      'http://hunter2$(HOST):3128',
      'socks5://orders:hunter2@squid.example',
    ]) {
      const decision = decide(podWith([[{ name: 'HTTP_PROXY', value }]]))
      expect(decision.kind, value).to.equal('deny')
      expect(JSON.stringify(decision), value).not.to.contain('hunter2')
    }
  })
})
