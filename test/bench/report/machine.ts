import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, release, totalmem } from 'node:os'

/** Where figures were measured: enough to judge them, nothing that names the machine. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  /** Program or package → version, for those that are there. */
  readonly versions: Readonly<Record<string, string>>
}

/** Program → how it says its version. nginx says it on stderr, and wrk with a status of failure. */
const PROGRAMS: Readonly<Record<string, readonly [string[], RegExp]>> = {
  nginx: [['-v'], /nginx\/(\S+)/],
  go: [['version'], /go(\d\S*)/],
  wrk: [['-v'], /wrk \S*?(\d+\.\d+\.\d+)/],
}
const PACKAGES = ['undici', 'http-proxy', 'httpxy']

/** Asks this machine. */
export function machine(): Machine {
  const programs = Object.entries(PROGRAMS).flatMap(([name, [args, version]]) => {
    const { stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
    const found = error ? undefined : version.exec(stdout + stderr)?.[1]
    return found === undefined ? [] : [[name, found]]
  })
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${release()} ${arch()}`,
    versions: Object.fromEntries([
      ['node', process.versions.node],
      ['openssl', process.versions.openssl],
      ...programs,
      ...PACKAGES.map((name) => [name, packageVersion(name)]),
    ]) as Record<string, string>,
  }
}

function packageVersion(name: string): string {
  return (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version
}
