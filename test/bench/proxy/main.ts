// `npm run bench:proxy`: the shipped proxy beside other proxies, in one run. See docs/performance.md.
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { writeResult } from '../report/write.ts'
import { LANES } from './lanes.ts'
import type { Lane } from './lanes.ts'
import type { Load } from './load.ts'
import { usageOf } from './measure.ts'
import type { Usage } from './measure.ts'
import { runPaced } from './paced.ts'
import type { Sample } from './samples.ts'
import { barsOf, tablesOf } from './tables.ts'
import type { Target, TargetRow } from './target.ts'
import { TARGETS } from './targets.ts'
import { createWorld } from './world.ts'
import { runWrk } from './wrk.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    lanes: { type: 'string', default: LANES.map(({ name }) => name).join() },
  },
})
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
const lanes = LANES.filter(({ name }) => values.lanes.split(',').includes(name))
const print = (line: string): void => void process.stdout.write(`${line}\n`)
/** Compilers of every target have seen the hot path by then: after two seconds Node still became a third faster. */
const WARM_UP_SECONDS = 8
/** A slow lane needs longer for as many requests. */
const PACED_FACTOR = 1.5

const asked = new Set(lanes.flatMap(({ targets }) => targets))
const rows = TARGETS.filter(({ name }) => asked.has(name)).map((row) => ({ ...row, why: row.missing?.() }))
const leftOut = rows.filter(({ why }) => why !== undefined).map(({ name, why }) => `${name}: ${why}`)

const world = await createWorld()
const samples: Sample[] = []
try {
  for (const lane of lanes) samples.push(...(await runLane(lane)))
} finally {
  await world.close()
}
writeResult('proxy', {
  title: 'Proxy',
  conditions: [
    'The shipped bundle as its image starts it, with metrics and token engine on. The others have a pool of kept connections and add a bearer of 1.1 KB; the reference mints like ours.',
    'The target has one core to itself; load, partner (nginx) and the emulated STS share the other. The partner answers 401 without a bearer, and any answer but 2xx ends the run.',
    `50 connections unless said otherwise; ${rounds} rounds of ${seconds} s (${seconds * PACED_FACTOR} s at a given rate), the targets one after the other within a round; medians, and ratios are medians of the ratios within a round.`,
    'CPU-s/10k: CPU-seconds of the target, with its children, for 10,000 requests.',
    ...leftOut.map((why) => `Left out: ${why}.`),
  ],
  bars: barsOf(samples),
  tables: tablesOf(samples),
})

async function runLane(lane: Lane): Promise<Sample[]> {
  const running: [TargetRow, Target][] = []
  const found: Sample[] = []
  try {
    for (const name of lane.targets) {
      const row = rows.find((one) => one.name === name)!
      if (row.why === undefined) running.push([row, await row.start(world, lane.partner)])
    }
    // At full speed also before a slow lane: a compiler waits for calls, not for time.
    for (const [, target] of running) await runWrk(world.directory, load(lane, target, WARM_UP_SECONDS))
    for (let round = 1; round <= rounds; round++)
      for (const [row, target] of running) found.push(await measure(lane, row.name, target, round))
  } finally {
    for (const [, target] of running) await target.stop()
  }
  return found
}

async function measure(lane: Lane, name: string, target: Target, round: number): Promise<Sample> {
  // What the load before left behind, garbage and closing connections, is not this one's cost.
  await delay(200)
  const before = usage(target)
  const { perSecond } = lane
  const result =
    perSecond === undefined
      ? await runWrk(world.directory, load(lane, target, seconds))
      : await runPaced({ ...load(lane, target, seconds * PACED_FACTOR), perSecond, ca: world.ca })
  const after = usage(target)
  const cpuPer10k = before && after && ((after.cpuSeconds - before.cpuSeconds) / result.requests) * 10_000
  const used = cpuPer10k === undefined ? '' : `${cpuPer10k.toFixed(3)} CPU-s/10k, `
  print(
    `${lane.name} ${round} ${name}: ${used}${Math.round(result.perSecond)}/s, p50 ${result.latency.p50.toFixed(2)} ms`,
  )
  return { lane, target: name, round, cpuPer10k, peakBytes: after?.peakBytes, ...result }
}

function usage({ pid }: Target): Usage | undefined {
  return pid === undefined ? undefined : usageOf(pid)
}

function load({ path, body, connections, closes = false }: Lane, target: Target, duration: number): Load {
  return { target, path, connections, closes, seconds: duration, ...(body !== undefined && { body }) }
}
