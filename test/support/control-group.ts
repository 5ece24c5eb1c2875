import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { until } from './until.ts'

/** What a container's limits are to the kernel. */
export interface Limits {
  /** Thousandths of a core. */
  readonly milliCpu?: number
  readonly memoryMiB?: number
}

export interface Group {
  /** @returns a command that runs this one inside. */
  joined(command: readonly string[]): readonly string[]
  /** How often the memory limit made the kernel look for pages to drop, and whether it ended a process. */
  pressure(): { readonly hits: number; readonly killed: boolean }
  /** Ends what is still inside. */
  remove(): Promise<void>
}

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000

/** How each version of control groups calls things. */
interface Version {
  /** Below the root, one for each controller or one for all. */
  readonly folders: readonly string[]
  readonly files: (limits: Limits) => Readonly<Record<string, string>>
  readonly hits: (read: (file: string) => string) => number
  readonly events: string
}

const quota = (milliCpu: number): number => (milliCpu * PERIOD_US) / 1000
const bytes = (mebibytes: number): string => String(mebibytes * 2 ** 20)

const V1: Version = {
  folders: [`${ROOT}/cpu`, `${ROOT}/memory`],
  files: ({ milliCpu, memoryMiB }) => ({
    ...(milliCpu !== undefined && { 'cpu.cfs_period_us': String(PERIOD_US), 'cpu.cfs_quota_us': `${quota(milliCpu)}` }),
    ...(memoryMiB !== undefined && { 'memory.limit_in_bytes': bytes(memoryMiB) }),
  }),
  hits: (read) => Number(read('memory.failcnt')),
  events: 'memory.oom_control',
}

const V2: Version = {
  folders: [ROOT],
  files: ({ milliCpu, memoryMiB }) => ({
    ...(milliCpu !== undefined && { 'cpu.max': `${quota(milliCpu)} ${PERIOD_US}` }),
    ...(memoryMiB !== undefined && { 'memory.max': bytes(memoryMiB) }),
  }),
  hits: (read) => Number(/^max (\d+)$/m.exec(read('memory.events'))?.[1]),
  events: 'memory.events',
}

const version = existsSync(`${ROOT}/cgroup.controllers`) ? V2 : V1

/** @returns why no group can be made here; undefined when one can. */
export async function missingGroups(): Promise<string | undefined> {
  try {
    await createGroup({ milliCpu: 100, memoryMiB: 128 }).remove()
    return undefined
  } catch (error) {
    return `no control group can be made here (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`
  }
}

let made = 0

/** Makes a group of this process's own. @throws without the right to, or where the controllers are not handed down. */
export function createGroup(limits: Limits): Group {
  const name = `outbound-jwt-${process.pid}-${made++}`
  const folders = version.folders.map((folder) => `${folder}/${name}`)
  for (const folder of folders) mkdirSync(folder)
  const locate = (file: string): string => {
    const found = folders.map((folder) => `${folder}/${file}`).find((path) => existsSync(path))
    if (found === undefined) throw Object.assign(new Error(`no ${file}`), { code: `no ${file}` })
    return found
  }
  const read = (file: string): string => readFileSync(locate(file), 'utf8')
  const processes = (): string[] => read('cgroup.procs').split('\n').filter(Boolean)
  const remove = async (): Promise<void> => {
    for (const pid of processes()) process.kill(Number(pid), 'SIGKILL')
    await until(`${name} is empty`, () => processes().length === 0)
    for (const folder of folders) rmdirSync(folder)
  }
  try {
    for (const [file, value] of Object.entries(version.files(limits))) writeFileSync(locate(file), value)
  } catch (error) {
    for (const folder of folders) rmdirSync(folder)
    throw error
  }
  return {
    joined: (command) => [
      '/bin/sh',
      '-c',
      `${folders.map((folder) => `echo $$ > ${folder}/cgroup.procs`).join(' && ')} && exec "$@"`,
      'sh',
      ...command,
    ],
    pressure: () => ({
      hits: version.hits(read),
      killed: Number(/^oom_kill (\d+)$/m.exec(read(version.events))?.[1]) > 0,
    }),
    remove,
  }
}
