// `npm run bench:start`: how long the shipped proxy takes until it accepts, and what it holds when it is idle, beside a Node HTTP server that does
// nothing; and whether it carries full load within a memory limit. See docs/performance.md.
import { parseArgs } from 'node:util'
import { createWorld } from '../proxy/world.ts'
import type { Bar } from '../report/result.ts'
import { writeResult } from '../report/write.ts'
import { missingGroups } from '../../support/control-group.ts'
import { measureMemoryLimits } from './memory.ts'
import { measureIdle, measureStarts } from './starts.ts'
import { createSubjects } from './subjects.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '15' } } })
const rounds = Number(values.rounds)
const THROTTLED_MILLI_CPU = 100
const THROTTLED_ROUNDS = 5

const missing = await missingGroups()
const print = (line: string): void => void process.stdout.write(`${line}\n`)
if (missing !== undefined) print(`limits are left out: ${missing}`)

const world = await createWorld()
try {
  const { proxy, before, empty, least } = createSubjects(world)
  const subjects = [proxy, ...(before ? [before] : []), empty, least]
  print(`${rounds} starts of each`)
  const starts = await measureStarts(subjects, rounds)
  print(`${THROTTLED_ROUNDS} starts of each with ${THROTTLED_MILLI_CPU}m CPU`)
  const throttled =
    missing === undefined ? await measureStarts(subjects, THROTTLED_ROUNDS, THROTTLED_MILLI_CPU) : undefined
  print('idle')
  const idle = await measureIdle(subjects)
  print('memory limits')
  const limits = missing === undefined ? await measureMemoryLimits(world, proxy) : undefined
  const atMost = (what: string, limit: number, measured: number | undefined, unit: string): Bar => ({
    what,
    bound: 'at most',
    limit,
    measured,
    unit,
  })
  writeResult('start', {
    title: 'Start and idle memory of the proxy',
    conditions: [
      `${rounds} starts of each, pinned to one core, interleaved; medians, and ratios within a round.`,
      'Started as the image starts it, and the empty servers with the same flags and variables.',
      'An empty server that imports node:http, as the bars have it, also loads what that import drags in; the other does not.',
      'A cold page cache means that the program is read from disk, and its pages count against the limit.',
    ],
    bars: [
      atMost('accepts, beside an empty server', 1.5, starts.ratio(proxy, empty), '×'),
      atMost('accepts with 100m CPU, beside an empty server', 1.5, throttled?.ratio(proxy, empty), '×'),
      atMost('accepts, beside its own before', 1.03, before && starts.ratio(proxy, before), '×'),
      atMost('idle memory', 65, idle.totals.get(proxy), 'MiB'),
      atMost(
        'idle memory beside its own before',
        1.03,
        before && idle.totals.get(proxy)! / idle.totals.get(before)!,
        '×',
      ),
      {
        what: 'throughput within 96 MiB, cold, beside no limit',
        bound: 'at least',
        limit: 0.5,
        measured: limits?.share(96),
        unit: '×',
      },
    ],
    tables: [starts.table, ...(throttled ? [throttled.table] : []), idle.table, ...(limits ? [limits.table] : [])],
  })
} finally {
  await world.close()
}
