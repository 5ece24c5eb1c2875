import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { accepts, freePort } from '../../support/port.ts'
import { until } from '../../support/until.ts'
import { usageOf } from '../proxy/measure.ts'
import { TARGET_CORE } from '../proxy/world.ts'
import type { Group } from '../../support/control-group.ts'
import type { Subject } from './subjects.ts'

/** A subject that accepts connections. */
export interface Started {
  readonly pid: number
  readonly port: number
  /** From the start of the process until a connection to it succeeds, in milliseconds. */
  readonly acceptsAfter: number
  /** Used by then, in milliseconds. */
  readonly cpu: number
  stop(): Promise<void>
}

/** Where and with what a subject runs. */
export interface Place {
  readonly group?: Group
  /** Another file of the same Node. */
  readonly program?: string
}

const LIMIT_MS = 60_000
const POLL_MS = 1

/** Starts it on the core of the targets. It ends with this process. */
export async function start(subject: Subject, { group, program = process.execPath }: Place = {}): Promise<Started> {
  const port = await freePort()
  const node = ['taskset', '-c', String(TARGET_CORE), program, ...subject.args]
  const startedAt = performance.now()
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...(group ? group.joined(node) : node)], {
    env: { PATH: process.env['PATH'], ...subject.environment(port) },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const gone = once(child, 'close')
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  try {
    await until(`${subject.name} accepts`, () => child.exitCode !== null || accepts(port), LIMIT_MS, POLL_MS)
    if (child.exitCode !== null) throw new Error(`${subject.name} ended with ${child.exitCode}`)
  } catch (error) {
    await stop()
    throw error
  }
  const pid = child.pid ?? -1
  return { pid, port, acceptsAfter: performance.now() - startedAt, cpu: usageOf(pid).cpuSeconds * 1_000, stop }
}

/** In MiB, resident now: what the process has to itself, and what it has mapped of files, Node's binary above all. */
export interface Resident {
  readonly total: number
  readonly own: number
  readonly mapped: number
}

export function residentOf(pid: number): Resident {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mebibytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(rollup)?.[1]) / 1024
  const [total, own] = [mebibytes('Rss'), mebibytes('Anonymous')]
  return { total, own, mapped: total - own }
}

/** Pages that had to be read from disk. The twelfth field of /proc/<pid>/stat, the tenth after the name, which may hold anything. proc(5). */
export function majorFaults(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[9])
}
