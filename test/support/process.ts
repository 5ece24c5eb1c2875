import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Group } from './control-group.ts'

/** One line of a process of ours that logs JSON. */
export type LogLine = Readonly<Record<string, unknown>>

export interface RunningProcess {
  readonly pid: number
  /** Everything written so far, both streams, for failure messages and leak checks. */
  output(): string
  /** Resolves with the first line, past or to come, whose `msg` is this; rejects when the process ends before. */
  logged(message: string): Promise<LogLine>
  /** Sends a signal. */
  signal(name: NodeJS.Signals): void
  /** Resolves when the process has ended and its output is complete. */
  readonly exited: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Starts a Node process of ours. The environment is exactly what is given: nothing leaks in from the tests. */
export function startNode(args: readonly string[], env: Readonly<Record<string, string>>): RunningProcess {
  return observe(spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** The same with a limit on open files, sockets included. */
export function startNodeWithFiles(
  files: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RunningProcess {
  const limited = ['-c', `ulimit -n ${files}; exec "$0" "$@"`, process.execPath, ...args]
  return observe(spawn('/bin/sh', limited, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** The same in a control group. */
export function startNodeIn(
  group: Group,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): RunningProcess {
  const [command = '', ...rest] = group.joined([process.execPath, ...args])
  return observe(spawn(command, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] }))
}

const UNSHARE = ['--pid', '--fork', '--kill-child']

/** Whether this user may make PID namespaces. */
export const mayBeFirst = (): boolean => spawnSync('unshare', [...UNSHARE, 'true']).status === 0

/** The same as the first process of its PID namespace, as in a container; signals go to `unshare`, `firstOf` finds the process itself. */
export function startNodeFirst(args: readonly string[], env: Readonly<Record<string, string>>): RunningProcess {
  const withPath = { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }
  const command = [...UNSHARE, process.execPath, ...args]
  return observe(spawn('unshare', command, { env: withPath, stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** @returns the ID of the only child of a process. */
export function firstOf({ pid }: RunningProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
}

function observe(child: ChildProcess): RunningProcess {
  const raw: string[] = []
  const lines: LogLine[] = []
  const waiting = new Set<() => void>()
  let ended = false
  const wake = (): void => {
    for (const check of waiting) check()
  }
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) throw new Error('started without pipes')
    createInterface({ input: stream }).on('line', (line) => {
      raw.push(line)
      const parsed = parseLine(line)
      if (parsed) lines.push(parsed)
      wake()
    })
  }
  const exited = once(child, 'close').then(([status, signal]) => {
    ended = true
    wake()
    return { status: status as number | null, signal: signal as NodeJS.Signals | null }
  })
  const output = (): string => raw.join('\n')
  return {
    pid: child.pid ?? -1,
    output,
    logged: (message) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const line = lines.find(({ msg }) => msg === message)
          if (!line && !ended) return
          waiting.delete(check)
          if (line) resolve(line)
          else reject(new Error(`the process ended without logging "${message}":\n${output()}`))
        }
        waiting.add(check)
        check()
      }),
    signal: (name) => void child.kill(name),
    exited,
  }
}

function parseLine(line: string): LogLine | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as LogLine) : undefined
  } catch {
    return undefined
  }
}
