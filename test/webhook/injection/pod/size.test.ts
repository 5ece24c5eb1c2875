import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { readHostPattern } from '../../../../proxy/src/contract.ts'
import { answerReview } from '../../../../webhook/src/admission/review.ts'
import type { Decision } from '../../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../../webhook/src/injection/decide.ts'
import { createCoverage } from '../../../../webhook/src/injection/application/no-proxy-coverage.ts'
import { readRawAnnotations } from '../../../../webhook/src/injection/annotations/raw-annotations.ts'
import { hashInputs } from '../../../../webhook/src/injection/status.ts'
import { costOf } from '../../../support/cost.ts'
import { SETTINGS } from '../../../support/injection/cases.ts'
import { applyPatch } from '../../../support/json-patch.ts'

const inject = createInjector(SETTINGS)

function decide(keys: Readonly<Record<string, string>>, spec: object): Decision {
  const all = { inject: 'true', hosts: '*.partner.example', ...keys }
  const annotations = Object.fromEntries(Object.entries(all).map(([key, value]) => [`outbound-jwt.io/${key}`, value]))
  return inject({ pod: { metadata: { annotations }, spec }, mode: 'pod', operation: 'CREATE' })
}

const named = (count: number): readonly object[] => Array.from({ length: count }, (_, index) => ({ name: `c${index}` }))
const answerBytes = (decision: Decision): number => JSON.stringify(answerReview('uid', decision)).length

/** 250 containers with the same variables, where names lead to the sidecar. */
function steered(hosts: readonly string[], env: readonly object[]): () => Decision {
  const route = (start: number): string => `{hosts: [${hosts.slice(start, start + 80).join(',')}], audience: [a]}`
  const annotations = {
    'outbound-jwt.io/inject': 'true',
    'outbound-jwt.io/steering': 'hosts',
    'outbound-jwt.io/routes': `[${[0, 80, 160].map(route).join(',')}]`,
  }
  const spec = { containers: named(250).map((container) => ({ ...container, env })) }
  return () => inject({ pod: { metadata: { annotations }, spec }, mode: 'pod', operation: 'CREATE' })
}

/** An injected pod with as many routes, and 2,000 times a variable that has the last of them alone, for another audience. */
function again(routes: number): () => Decision {
  const list = Array.from({ length: routes }, (_, index) => `- {hosts: [h${index}.partner.example], audience: [a]}`)
  const annotations = { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/routes': list.join('\n') }
  const review = { mode: 'pod', operation: 'CREATE' } as const
  const pod = { metadata: { annotations }, spec: { containers: named(1) } }
  const decision = inject({ pod, ...review })
  if (decision.kind !== 'inject') expect.fail(decision.reason)
  const injected = applyPatch<object>(pod, decision.patch) as Injected
  const [sidecar] = injected.spec.initContainers
  const given = sidecar?.env.find(({ name }) => name === 'ROUTES')?.value ?? ''
  const last = (JSON.parse(given) as readonly object[]).at(-1)
  const value = JSON.stringify([{ ...last, audience: ['b'] }])
  sidecar?.env.push(...Array.from({ length: 2000 }, () => ({ name: 'ROUTES', value })))
  return () => inject({ pod: injected, ...review })
}

interface Injected {
  readonly spec: { readonly initContainers: readonly { readonly env: { name: string; value: string }[] }[] }
}

/** Generous: without the bound that is looked at, a decision takes dozens of times as long as one of another pod of this size. */
function expectAlike(hostile: () => Decision, plain: () => Decision, reason: Decision['reason'] = 'injected'): void {
  expect([hostile().reason, plain().reason]).to.deep.equal([reason, reason])
  expect(costOf(hostile)).to.be.below(10 * costOf(plain))
}

describe('a pod larger than the API server stores', () => {
  it('may have 250 containers, and as many init containers', () => {
    expect(decide({}, { containers: named(250) }).reason).to.equal('injected')
    expect(decide({}, { containers: named(251) }).reason).to.equal('too-large')
    const one = [{ name: 'one' }]
    expect(decide({}, { containers: one, initContainers: named(250) }).reason).to.equal('injected')
    expect(decide({}, { containers: one, initContainers: named(251) }).reason).to.equal('too-large')
  })

  it('has names as long as the API server takes them', () => {
    expect(decide({}, { containers: [{ name: 'a'.repeat(63) }] }).reason).to.equal('injected')
    const decision = decide({}, { containers: [{ name: 'a'.repeat(64) }], initContainers: [{ name: 'b'.repeat(64) }] })
    if (decision.kind !== 'deny') expect.fail(decision.kind)
    expect(decision.problems.map(({ where }) => where)).to.deep.equal([
      'spec.containers[0].name',
      'spec.initContainers[0].name',
    ])
    expect(decision.reason).to.equal('too-large')
  })

  it('gets no variables that would make it one', () => {
    const entries = Array.from({ length: 250 }, (_, index) => `h${index}`.padEnd(250, 'x')).join(',')
    const decision = decide({ 'no-proxy': entries }, { containers: named(200) })
    expect(decision.reason).to.equal('too-large')
    expect(answerBytes(decision)).to.be.lessThan(1000)
    expect(decide({ 'no-proxy': entries }, { containers: named(5) }).reason).to.equal('injected')
  })

  it('says at most 256 KiB of NO_PROXY, in all containers that get the variables', () => {
    const half = 'h.corp.example,'.repeat(10_000).slice(0, 128 * 1024)
    const own = (value: string, name = 'NO_PROXY'): object => ({ name: value.at(-1), env: [{ name, value }] })
    const containers = (last: string): object => ({ containers: [own(half), own(last, 'no_proxy')] })
    expect(decide({}, containers(half)).reason).to.equal('injected')
    const decision = decide({}, containers(`${half}x`))
    if (decision.kind !== 'deny') expect.fail(decision.kind)
    expect(decision.reason).to.equal('too-large')
    expect(decision.problems).to.deep.equal([
      {
        where: 'spec.containers',
        value: '262145 characters of NO_PROXY',
        allowed: 'at most 262144 together; shorten it, or name fewer in outbound-jwt.io/containers',
      },
    ])
    expect(decide({ 'skip-containers': 'x' }, containers(`${half}x`)).reason).to.equal('injected')
  })

  it('is compared with what injection adds in a time that grows with either alone', () => {
    // Compared one by one, 300 volumes of routes and 60,000 of the pod take minutes.
    const routes = Array.from(
      { length: 300 },
      (_, index) => `- {hosts: [h${index}.partner.example], source: kubernetes, audience: [a]}`,
    )
    const annotations = { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/routes': routes.join('\n') }
    const volumes = Array.from({ length: 60_000 }, (_, index) => ({ name: `v${index}` }))
    const review = { mode: 'pod', operation: 'CREATE' } as const
    const decision = inject({ pod: { metadata: { annotations }, spec: { containers: named(1), volumes } }, ...review })
    expect(decision.reason).to.equal('injected')
    const status = { 'outbound-jwt.io/status': JSON.stringify({ inputs: hashInputs(readRawAnnotations(annotations)) }) }
    const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }))
    const initContainers = [{ name: 'aws-outbound-jwt-proxy', volumeMounts }]
    const forged = {
      metadata: { annotations: { ...annotations, ...status } },
      spec: { containers: named(1), initContainers },
    }
    expect(inject({ pod: forged, ...review }).reason).to.equal('forged-injection')
  })

  it('may say in each container which of its steered hosts a proxy is not for, in whatever form', () => {
    const hosts = Array.from({ length: 240 }, (_, index) => {
      const labels = [`${index}`.padStart(63, 'a'), 'b'.repeat(63), 'c'.repeat(63), 'd'.repeat(56)]
      return `${labels.join('.')}.ex`
    })
    const deep = Array.from({ length: 240 }, (_, index) => `h${index}.${'a.'.repeat(120)}ex`)
    const java = (patterns: string): object => ({
      name: 'JAVA_TOOL_OPTIONS',
      value: `-Dhttp.proxyHost=p -Dhttp.nonProxyHosts=${patterns}`,
    })
    const proxy = { name: 'HTTP_PROXY', value: 'http://p:1' }
    const lists = (value: string): readonly object[] =>
      ['NO_PROXY', 'no_proxy'].map((name) => ({ name, value })).concat(proxy)
    expectAlike(steered(hosts, [java('*x')]), steered(hosts, [java('*')]))
    expectAlike(steered(deep, lists('.ex')), steered(deep, lists('*')))
  })

  it('may have the routes of its sidecar again and again, however many they are', () => {
    expectAlike(again(300), again(1), 'forged-injection')
  })

  it('may name variables in each entry of no-proxy, above which containers have lists and options of their own', () => {
    const calling = (text: string): (() => Decision) => {
      const entries = Array.from({ length: 250 }, (_, index) => `${index}`.padStart(4, 'h') + text)
      const env = ['NO_PROXY', 'JAVA_TOOL_OPTIONS', 'A'].map((name) => ({ name, value: 'x' }))
      const spec = { containers: named(250).map((container) => ({ ...container, env })) }
      return () => decide({ 'no-proxy': entries.join(','), runtimes: 'java' }, spec)
    }
    expectAlike(calling('$(A)'.repeat(60)), calling('aaaa'.repeat(60)), 'too-large')
  })

  it('may nest what is compared with what injection adds by thousands of levels', () => {
    const pod = {
      metadata: { annotations: { 'outbound-jwt.io/inject': 'true', 'outbound-jwt.io/hosts': 'a.partner.example' } },
      spec: { containers: named(1) },
    }
    const decision = inject({ pod, mode: 'pod', operation: 'CREATE' })
    if (decision.kind !== 'inject') expect.fail(decision.reason)
    const deep: unknown = JSON.parse(`${'{"containerPort":'.repeat(50_000)}0${'}'.repeat(50_000)}`)
    for (const list of ['ports', 'volumeMounts']) {
      const injected = applyPatch<object>(pod, decision.patch) as Record<string, { initContainers: object[] }>
      Object.assign(injected['spec']?.initContainers[0] ?? {}, { [list]: [deep] })
      expect(inject({ pod: injected, mode: 'pod', operation: 'CREATE' }).reason).to.equal('forged-injection')
    }
  })

  it('is not repeated back, however long its names are', () => {
    const text = 'x'.repeat(1_000_000)
    for (const decision of [
      decide(
        {
          'skip-containers': named(200)
            .map((_, index) => `d${index}`)
            .join(','),
        },
        { containers: [{ name: text }] },
      ),
      inject({
        pod: { metadata: { annotations: { [`outbound-jwt.io/${text}`]: 'a' } }, spec: { containers: named(1) } },
        mode: 'pod',
        operation: 'CREATE',
      }),
      decide({}, { containers: [{ name: 'a', env: [{ name: 'http_proxy', value: text }] }] }),
    ]) {
      expect(answerBytes(decision)).to.be.lessThan(10_000)
    }
  })
})

describe('what an entry of NO_PROXY covers', () => {
  it('is looked for label by label, and is the same as by its definition', () => {
    const labels = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('.'))
    const dot = fc.constantFrom('', '.')
    const name = fc.tuple(dot, labels, dot).map((parts) => parts.join(''))
    const host = fc
      .array(fc.constantFrom('a', 'b', 'c'), { minLength: 2, maxLength: 4 })
      .map((parts) => parts.join('.'))
    const pattern = fc.tuple(fc.boolean(), host).map(([wildcard, text]) => (wildcard ? `*.${text}` : text))
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1, maxLength: 4 }), name, (patterns, entry) => {
        const partners = patterns.map(readHostPattern)
        // One dot at either end is another spelling of the same name.
        const plain = entry.replace(/^\./, '').replace(/\.$/, '')
        const all = partners.some((partner) => `.${partner.host}`.endsWith(`.${plain}`))
        const around = partners.filter(({ wildcard, host: suffix }) => wildcard && plain.endsWith(`.${suffix}`))
        const nearest = around.map(({ host: suffix }) => suffix).sort((one, other) => other.length - one.length)[0]
        const covered = createCoverage(partners)(entry)
        expect(covered?.extent).to.equal(all ? 'all' : nearest === undefined ? undefined : 'part')
        if (covered?.extent === 'part') expect(covered.host).to.equal(nearest)
      }),
      { numRuns: 3000 },
    )
  })
})
