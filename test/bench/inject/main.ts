// `npm run bench:inject`: how fast decisions are, in CPU time of one core, and what hostile pods cost. Reported, never asserted.
import { readFileSync } from 'node:fs'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import type { Policy } from '../../../webhook/src/injection/policy/policy.ts'
import { SETTINGS, readYaml } from '../../support/injection/cases.ts'
import { median } from '../report/statistics.ts'
import { writeResult } from '../report/write.ts'
import { HOSTILE_PODS } from './hostile.ts'
import { POLICIES } from './policies.ts'

const ROUNDS = 5
const ROUND_MS = 1000
const BAR_PER_SECOND = 20_000
const HOSTILE_BAR_MS = 50
const POLICY_BAR_MS = 1

const settings = { ...SETTINGS, region: 'eu-central-1' }
const inject = createInjector(settings)
const decide = (pod: unknown): Decision => inject({ pod, mode: 'pod', operation: 'CREATE' })
/** An injector that knows no annotations yet. */
const decideFirst = (pod: unknown): Decision => createInjector(settings)({ pod, mode: 'pod', operation: 'CREATE' })

const review = JSON.parse(readFileSync('test/fixtures/reviews/admissionreview-kubernetes-1.36.json', 'utf8')) as {
  request: { object: unknown }
}

const ONE = readYaml('test/fixtures/pods/inject-true/pod.yaml')
const TYPICAL: Readonly<Record<string, unknown>> = {
  'pod as an API server sent it': review.request.object,
  'one partner': ONE,
  'several partners in routes': readYaml('test/fixtures/pods/routes-several-partners/pod.yaml'),
  'a role of its own': readYaml('test/fixtures/pods/many-parts-of-others/pod.yaml'),
}

/** @returns calls per second of CPU time: other processes on the machine do not count. */
function rate(work: () => void): number {
  const before = process.cpuUsage()
  const end = performance.now() + ROUND_MS
  let calls = 0
  for (; performance.now() < end; calls += 100) for (let index = 0; index < 100; index += 1) work()
  const { user, system } = process.cpuUsage(before)
  return (calls / (user + system)) * 1e6
}

interface Speed {
  readonly name: string
  /** Pods whose annotations were seen before, as those of one workload. */
  readonly perSecond: number
  /** Pods of which each is the first of its workload. */
  readonly firstPerSecond: number
  /** What the API server's JSON costs anyway: the drift of the machine cancels out. */
  readonly parses: number
}

function speedOf(name: string, pod: unknown): Speed {
  const { kind } = decide(pod)
  if (kind !== 'inject') throw new Error(`${name}: ${kind}`)
  const text = JSON.stringify(pod)
  const rounds = Array.from({ length: ROUNDS }, () => ({
    decisions: rate(() => void decide(pod)),
    first: rate(() => void decideFirst(pod)),
    parses: rate(() => void JSON.parse(text)),
  }))
  return {
    name,
    perSecond: median(rounds.map(({ decisions }) => decisions)),
    firstPerSecond: median(rounds.map(({ first }) => first)),
    parses: median(rounds.map(({ decisions, parses }) => parses / decisions)),
  }
}

interface Cost {
  readonly name: string
  readonly decision: string
  readonly firstMs: number
  readonly medianMs: number
}

function costOf(name: string, pod: object): Cost {
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const before = process.cpuUsage()
    decideFirst(pod)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  const [firstMs = Number.NaN, ...later] = times
  return { name, decision: decide(pod).kind, firstMs, medianMs: median(later) }
}

interface PolicyCost {
  readonly name: string
  readonly grantedMs: number
  readonly refusedMs: number
  /** The first pod of its namespace since the policy was read. */
  readonly firstMs: number
}

function policyCostOf(name: string, create: () => Policy): PolicyCost {
  const policy = create()
  const inject = createInjector(settings, () => policy)
  const decideIn = (namespace: string): Decision => inject({ pod: ONE, mode: 'pod', operation: 'CREATE', namespace })
  const before = process.cpuUsage()
  const granted = decideIn('shop-1')
  const { user, system } = process.cpuUsage(before)
  if (granted.kind !== 'inject' || decideIn('elsewhere').kind !== 'deny') throw new Error(name)
  const msOf = (namespace: string): number =>
    median(Array.from({ length: ROUNDS }, () => 1000 / rate(() => void decideIn(namespace))))
  return { name, grantedMs: msOf('shop-1'), refusedMs: msOf('elsewhere'), firstMs: (user + system) / 1000 }
}

// Compilers have seen every kind of pod by then.
for (const pod of Object.values(TYPICAL)) rate(() => void decideFirst(pod))
const speeds = Object.entries(TYPICAL).map(([name, pod]) => speedOf(name, pod))
const policyCosts = Object.entries(POLICIES).map(([name, create]) => policyCostOf(name, create))
const costs = Object.entries(HOSTILE_PODS).map(([name, pod]) => costOf(name, pod))

writeResult('inject', {
  title: 'Decisions of the webhook',
  conditions: [
    'The decision with its patch alone, without a server, in CPU time of one core.',
    `Typical pods: medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s. Hostile pods: ${ROUNDS + 1} calls.`,
  ],
  bars: [
    {
      what: 'decisions per second and core, pod as an API server sent it, first of its workload',
      bound: 'at least',
      limit: BAR_PER_SECOND,
      measured: speeds[0]?.firstPerSecond,
      unit: 'per second',
    },
    {
      what: 'CPU of the costliest hostile pod',
      bound: 'at most',
      limit: HOSTILE_BAR_MS,
      // One call among several meets a busy neighbour; the first has no compiled code and counts.
      measured: Math.max(...costs.flatMap(({ firstMs, medianMs }) => [firstMs, medianMs])),
      unit: 'ms',
    },
    {
      what: 'CPU of a decision under a policy of 5,000 rules of globs',
      bound: 'at most',
      limit: POLICY_BAR_MS,
      measured: Math.max(...policyCosts.flatMap(({ grantedMs, refusedMs }) => [grantedMs, refusedMs])),
      unit: 'ms',
    },
  ],
  tables: [
    {
      title: 'Typical pods',
      columns: [
        'pod',
        'decisions per second',
        'one costs as many JSON.parse of the pod',
        'first of its workload, per second',
      ],
      rows: speeds.map(({ name, perSecond, parses, firstPerSecond }) => [name, perSecond, parses, firstPerSecond]),
    },
    {
      title: 'Under a policy of 5,000 rules of globs, ms of CPU',
      columns: ['rules', 'granted', 'refused', 'first pod of its namespace'],
      rows: policyCosts.map(({ name, grantedMs, refusedMs, firstMs }) => [name, grantedMs, refusedMs, firstMs]),
    },
    {
      title: 'Hostile pods, ms of CPU',
      columns: ['pod', 'decision', 'first call', 'median'],
      rows: costs.map(({ name, decision, firstMs, medianMs }) => [name, decision, firstMs, medianMs]),
    },
  ],
})
