import { readFileSync, readdirSync } from 'node:fs'

/** `getconf CLK_TCK` on every Linux that Node supports. */
const TICKS_PER_SECOND = 100

/** What a process and those it started have used so far. */
export interface Usage {
  readonly cpuSeconds: number
  /** Largest resident memory, summed over the processes. */
  readonly peakBytes: number
  readonly residentBytes: number
}

export function usageOf(pid: number): Usage {
  const processes = [pid, ...childrenOf(pid)]
  return {
    cpuSeconds: sum(processes.map(cpuSeconds)),
    peakBytes: sum(processes.map((process) => statusBytes(process, 'VmHWM'))),
    residentBytes: sum(processes.map((process) => statusBytes(process, 'VmRSS'))),
  }
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The second field is the name in parentheses, which may hold anything; utime and stime are the 14th and 15th. proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function statusBytes(pid: number, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
