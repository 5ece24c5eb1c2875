// Started by main.ts in a network namespace of its own: inside.ts MISSING [--rounds N] [--seconds N] [--lanes A,B].
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { usageOf } from '../proxy/measure.ts'
import { writeResult } from '../report/write.ts'
import { LANES } from './lanes.ts'
import type { Lane } from './lanes.ts'
import type { Load } from './load.ts'
import { otherTraffic } from './other.ts'
import { barsOf, otherTable, tableOf } from './tables.ts'
import type { Sample } from './tables.ts'
import { TARGETS } from './targets.ts'
import type { Target } from './targets.ts'
import { createInterceptionWorld } from './world.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    lanes: { type: 'string', default: LANES.map(({ name }) => name).join() },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const lanes = LANES.filter(({ name }) => values.lanes.split(',').includes(name))
/** Compilers of every target have seen the hot path by then: after three seconds Node still became a third faster. */
const WARM_UP_SECONDS = 8

const missing = new Map(JSON.parse(positionals[0] ?? '[]') as [target: string, why: string][])
const world = await createInterceptionWorld()
const samples: Sample[] = []
try {
  for (const lane of lanes) samples.push(...(await runLane(lane)))
  const other = await otherTraffic()
  writeResult('intercept', {
    title: 'Interception',
    conditions: [
      'The shipped bundle as its image starts it. Every program ends the TLS of the client with a certificate of its own, sets a header of 1.1 KB, and goes to the partner by TLS 1.3; the keys of partner and authorities are P-256.',
      'The target has one core to itself; load, partner and the emulated STS share the other. The partner refuses what comes without a bearer, and any other answer than the right one ends the run.',
      `${rounds} rounds of ${seconds} s, the targets one after the other within a round; medians, and ratios are medians of the ratios within a round. Connections are opened before a round, but for the lane that measures that.`,
      'CPU-s/10k: CPU-seconds of the target, with its children, for 10,000 requests, calls or messages.',
      ...[...missing].map(([name, why]) => `Left out: ${name}: ${why}.`),
    ],
    bars: barsOf(samples, other),
    tables: [...lanes.map((lane) => tableOf(lane, samples)), otherTable(other)],
  })
} finally {
  await world.close()
}

async function runLane(lane: Lane): Promise<Sample[]> {
  const running: [name: string, target: Target, load: Lane['loads'][string]][] = []
  const found: Sample[] = []
  try {
    for (const [name, load] of Object.entries(lane.loads))
      if (!missing.has(name)) running.push([name, await TARGETS[name]!.start(world, lane.partner), load])
    for (const [, target, prepare] of running) await under(await prepare(target), (load) => load.run(WARM_UP_SECONDS))
    for (let round = 1; round <= rounds; round++)
      for (const [name, target, prepare] of running)
        found.push(await under(await prepare(target), (load) => measure(lane, name, target, load, round)))
  } finally {
    for (const [, target] of running) await target.stop()
  }
  return found
}

async function under<T>(load: Load, run: (load: Load) => Promise<T>): Promise<T> {
  try {
    return await run(load)
  } finally {
    load.close()
  }
}

async function measure(lane: Lane, target: string, { pid }: Target, load: Load, round: number): Promise<Sample> {
  // What the load before left behind, garbage and closing connections, is not this one's cost.
  await delay(200)
  const before = usageOf(pid)
  const startedMs = performance.now()
  const count = await load.run(seconds)
  const perSecond = (count * 1000) / (performance.now() - startedMs)
  const { cpuSeconds, peakBytes } = usageOf(pid)
  const cpuPer10k = ((cpuSeconds - before.cpuSeconds) / count) * 10_000
  process.stdout.write(
    `${lane.name} ${round} ${target}: ${cpuPer10k.toFixed(3)} CPU-s/10k, ${Math.round(perSecond)}/s\n`,
  )
  return { lane, target, round, cpuPer10k, perSecond, peakBytes }
}
