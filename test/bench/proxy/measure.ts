import { readFileSync, readdirSync } from 'node:fs'

/** What a process and those it started have used so far. */
export interface Usage {
  readonly cpuSeconds: number
  /** Largest resident memory, summed over the processes. */
  readonly peakBytes: number
}

export function usageOf(pid: number): Usage {
  const processes = [pid, ...childrenOf(pid)]
  return { cpuSeconds: sum(processes.map(cpuSeconds)), peakBytes: sum(processes.map(peakBytes)) }
}

/** In nanoseconds, where /proc/<pid>/stat counts hundredths: a light load of a few seconds is a handful of those. */
function cpuSeconds(pid: number): number {
  const nanoseconds = readdirSync(`/proc/${pid}/task`).map((task) =>
    Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
  )
  return sum(nanoseconds) / 1e9
}

function peakBytes(pid: number): number {
  const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}

function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
