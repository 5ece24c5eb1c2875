// `npm run bench:inject`: how fast decisions are, in CPU time of one core, and what hostile pods cost. Reported, never asserted.
import { readFileSync } from 'node:fs'
import type { Decision } from '../../../webhook/src/injection/decide.ts'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { SETTINGS, readYaml } from '../../support/injection/cases.ts'
import { HOSTILE_PODS } from './hostile.ts'

const ROUNDS = 5
const ROUND_MS = 1000
const BAR_PER_SECOND = 20_000
const HOSTILE_BAR_MS = 50

const inject = createInjector({ ...SETTINGS, region: 'eu-central-1' })
const decide = (pod: unknown): Decision => inject({ pod, mode: 'pod', operation: 'CREATE' })

const review = JSON.parse(readFileSync('test/fixtures/reviews/admissionreview-kubernetes-1.36.json', 'utf8')) as {
  request: { object: unknown }
}

const TYPICAL: Readonly<Record<string, unknown>> = {
  'pod as an API server sent it': review.request.object,
  'one partner': readYaml('test/fixtures/pods/inject-true/pod.yaml'),
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

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const print = (line: string): void => void process.stdout.write(`${line}\n`)
const round = (value: number): string => Math.round(value).toLocaleString('en')

for (const pod of Object.values(TYPICAL)) rate(() => void decide(pod))
print(`decisions with patch per second and core, median of ${ROUNDS} rounds (bar: ${round(BAR_PER_SECOND)})`)
for (const [name, pod] of Object.entries(TYPICAL)) {
  const { kind } = decide(pod)
  if (kind !== 'inject') throw new Error(`${name}: ${kind}`)
  const text = JSON.stringify(pod)
  const rounds = Array.from({ length: ROUNDS }, () => ({
    decisions: rate(() => void decide(pod)),
    // What the API server's JSON costs anyway: the drift of the machine cancels out.
    parses: rate(() => void JSON.parse(text)),
  }))
  const decisions = median(rounds.map((one) => one.decisions))
  const ratio = median(rounds.map((one) => one.parses / one.decisions))
  print(`  ${name}: ${round(decisions)}, one costs as much as ${ratio.toFixed(1)} JSON.parse of the pod`)
}

print(`\nhostile pods, milliseconds of CPU, first call and median of ${ROUNDS} (bar: ${HOSTILE_BAR_MS})`)
for (const [name, pod] of Object.entries(HOSTILE_PODS)) {
  const times = Array.from({ length: ROUNDS + 1 }, () => {
    const before = process.cpuUsage()
    decide(pod)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / 1000
  })
  const [first = Number.NaN, ...later] = times
  const verdict = Math.max(...times) <= HOSTILE_BAR_MS ? '' : '   OVER THE BAR'
  print(`  ${name}: ${first.toFixed(1)}, ${median(later).toFixed(1)} (${decide(pod).kind})${verdict}`)
}
