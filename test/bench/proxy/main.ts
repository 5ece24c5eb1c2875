// `npm run bench:proxy`: the shipped proxy beside other proxies, in one run. See docs/performance.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { LANES } from './lanes.ts'
import type { Lane } from './lanes.ts'
import { runLoad } from './load.ts'
import type { LoadResult } from './load.ts'
import { usageOf } from './measure.ts'
import { report } from './report.ts'
import type { Sample } from './report.ts'
import { TARGETS } from './targets.ts'
import type { Target, TargetRow } from './targets.ts'
import { createWorld } from './world.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    connections: { type: 'string', default: '50' },
    lanes: { type: 'string', default: LANES.map(({ name }) => name).join() },
    targets: { type: 'string', default: TARGETS.map(({ name }) => name).join() },
  },
})
const [rounds, seconds, connections] = [values.rounds, values.seconds, values.connections].map(Number) as [
  number,
  number,
  number,
]
const lanes = LANES.filter(({ name }) => values.lanes.split(',').includes(name))
const rows = TARGETS.filter(({ name }) => values.targets.split(',').includes(name))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
/** Compilers of every target have seen the hot path by then. */
const WARM_UP_SECONDS = 3

const world = await createWorld()
try {
  const samples: Sample[] = []
  for (const lane of lanes) samples.push(...(await runLane(lane)))
  print(report(samples))
  mkdirSync('test/bench/results', { recursive: true })
  writeFileSync('test/bench/results/proxy.json', JSON.stringify({ rounds, seconds, connections, samples }, null, 1))
} finally {
  await world.close()
}

async function runLane(lane: Lane): Promise<Sample[]> {
  const running: [TargetRow, Target][] = []
  const samples: Sample[] = []
  try {
    for (const row of rows) {
      const missing = row.missing?.()
      if (missing === undefined) running.push([row, await row.start(world, lane.scheme)])
      else print(`${lane.name}: ${row.name} is left out: ${missing}`)
    }
    for (const [, target] of running) await load(lane, target, WARM_UP_SECONDS)
    for (let round = 1; round <= rounds; round++)
      for (const [row, target] of running) samples.push(await measure(lane, row.name, target, round))
  } finally {
    for (const [, target] of running) await target.stop()
  }
  return samples
}

async function measure(lane: Lane, name: string, target: Target, round: number): Promise<Sample> {
  // What the load before left behind, garbage and closing connections, is not this one's cost.
  await delay(200)
  const before = usageOf(target.pid)
  const result = await load(lane, target, seconds)
  const after = usageOf(target.pid)
  const cpuPer10k = ((after.cpuSeconds - before.cpuSeconds) / result.requests) * 10_000
  const sample = { lane: lane.name, target: name, round, cpuPer10k, peakBytes: after.peakBytes, ...result }
  print(`${lane.name} ${round} ${name}: ${cpuPer10k.toFixed(3)} CPU-s/10k, ${Math.round(result.perSecond)}/s`)
  return sample
}

function load(lane: Lane, target: Target, duration: number): Promise<LoadResult> {
  return runLoad({
    directory: world.directory,
    port: target.port,
    target: target.requestTarget,
    host: target.host,
    connections: Math.min(connections, lane.connections ?? connections),
    seconds: duration,
    ...(lane.body !== undefined && { body: lane.body }),
  })
}
