import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runWrk } from '../proxy/wrk.ts'
import type { World } from '../proxy/world.ts'
import type { Cell, Table } from '../report/result.ts'
import { createGroup } from '../../support/control-group.ts'
import { majorFaults, start } from './started.ts'
import type { Subject } from './subjects.ts'
import { partnerHost } from './subjects.ts'

export const LIMITS_MIB = [64, 96, 128] as const
const CONNECTIONS = 50
const SECONDS = 5
/** Compilers have seen the hot path by then, and so has the memory limit. */
const WARM_UP_SECONDS = 3

interface Loaded {
  /** Undefined when requests failed. */
  readonly perSecond: number | undefined
  readonly faults: number
  readonly hits: number
  readonly killed: boolean
}

export interface MemoryLimits {
  readonly table: Table
  /** Throughput at the limit with a cold page cache, as a share of that without a limit; 0 when requests failed. */
  share(limitMiB: number): number
}

/** The proxy under full load within memory limits, its program in the page cache and not. */
export async function measureMemoryLimits(world: World, proxy: Subject): Promise<MemoryLimits> {
  // Pages are charged to the group that first needs them, so it needs a Node whose pages nobody else has in use.
  const program = join(world.directory, 'node')
  copyFileSync(process.execPath, program)
  const loaded: Subject = { ...proxy, args: ['--import', './test/support/resolve.mjs', ...proxy.args] }
  const run = async (limitMiB: number | undefined, cold: boolean): Promise<Loaded> => {
    if (cold) evict(program)
    else readFileSync(program)
    return load(world, loaded, program, limitMiB)
  }
  const unlimited = await run(undefined, false)
  const share = ({ perSecond = 0 }: Loaded): number => perSecond / (unlimited.perSecond ?? Number.NaN)
  const shares = new Map<number, number>()
  const rows: Cell[][] = [row('none', 'warm', unlimited, share(unlimited))]
  for (const limit of LIMITS_MIB)
    for (const cold of [true, false]) {
      const result = await run(limit, cold)
      if (cold) shares.set(limit, share(result))
      rows.push(row(`${limit} MiB`, cold ? 'cold' : 'warm', result, share(result)))
    }
  return {
    share: (limit) => shares.get(limit) ?? Number.NaN,
    table: {
      title: `Memory limits at ${CONNECTIONS} connections`,
      columns: ['limit', 'page cache', 'requests/s', '× no limit', 'major faults', 'limit hits', 'killed'],
      rows,
      notes: ['No requests/s: requests failed.'],
    },
  }
}

const row = (limit: string, cache: string, { perSecond, faults, hits, killed }: Loaded, share: number): Cell[] => [
  limit,
  cache,
  perSecond,
  share,
  faults,
  hits,
  killed ? 'yes' : 'no',
]

/** `dd` asks for nothing but that the pages of a file be dropped: posix_fadvise with POSIX_FADV_DONTNEED, after what is unwritten was written. */
function evict(file: string): void {
  const { status, stderr } = spawnSync('dd', [`of=${file}`, 'oflag=nocache', 'conv=notrunc,fdatasync', 'count=0'], {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status !== 0) throw new Error(`dd: ${stderr}`)
}

async function load(world: World, subject: Subject, program: string, memoryMiB: number | undefined): Promise<Loaded> {
  const group = createGroup(memoryMiB === undefined ? {} : { memoryMiB })
  try {
    const started = await start(subject, { group, program }).catch(() => undefined)
    const perSecond = started && (await throughput(world, started.port))
    const { hits, killed } = group.pressure()
    const faults = started && !killed ? majorFaults(started.pid) : Number.NaN
    await started?.stop()
    return { perSecond, faults, hits, killed }
  } finally {
    await group.remove()
  }
}

/** @returns requests per second; undefined when one failed. */
async function throughput(world: World, port: number): Promise<number | undefined> {
  const host = partnerHost(world)
  const target = { port, origin: `http://${host}`, host, stop: () => Promise.resolve() }
  const request = { target, path: '/', connections: CONNECTIONS }
  try {
    await runWrk(world.directory, { ...request, seconds: WARM_UP_SECONDS })
    return (await runWrk(world.directory, { ...request, seconds: SECONDS })).perSecond
  } catch {
    return undefined
  }
}
