import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where clients are installed: outside of the repository, kept for the next run. */
export interface Cache {
  readonly directory: string
}

/** Something that has to be there before its clients can run. */
export interface Tool {
  /** Idempotent. @throws with the reason when it cannot be installed here. */
  install(cache: Cache): void
}

/** Here, unless XDG_CACHE_HOME says where. */
export const CACHE: Cache = {
  directory: join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'aws-outbound-jwt-injector', 'clients'),
}

export const PROGRAMS = join(import.meta.dirname, 'programs')

const INSTALL_MS = 15 * 60_000

function run(command: string, args: readonly string[], directory?: string): string {
  return execFileSync(command, args, {
    cwd: directory,
    encoding: 'utf8',
    timeout: INSTALL_MS,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, GOFLAGS: '-mod=mod', DEBIAN_FRONTEND: 'noninteractive' },
  })
}

/** @returns the first line of what a command says about its version, or the part of it that matches. */
export function versionOf(command: readonly string[], pattern = /\d+(?:\.\d+)+/): string {
  const [file = '', ...args] = command
  return pattern.exec(run(file, args))?.[0] ?? 'unknown'
}

function isInstalled(command: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((directory) => existsSync(join(directory, command)))
}

/** A command of the operating system; Debian's package where it is missing. */
export const debian = (command: string, packages: readonly string[]): Tool => ({
  install: () => {
    if (isInstalled(command)) return
    if (process.getuid?.() !== 0 || !isInstalled('apt-get')) throw new Error(`${command} is not installed`)
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages])
  },
})

/** Does nothing when the same was installed before. */
function once(directory: string, wanted: unknown, install: () => void): void {
  const stamp = join(directory, 'installed.json')
  const content = JSON.stringify(wanted)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === content) return
  mkdirSync(directory, { recursive: true })
  install()
  writeFileSync(stamp, content)
}

/** Python packages in a virtual environment of this name. */
export const python = (requirements: readonly string[], name = 'python'): Tool => ({
  install: ({ directory }) => {
    if (!isInstalled('python3')) throw new Error('python3 is not installed')
    const venv = join(directory, name)
    once(venv, requirements, () => {
      run('python3', ['-m', 'venv', venv])
      run(join(venv, 'bin/pip'), ['install', '--quiet', '--only-binary=:all:', ...requirements])
    })
  },
})

/** npm packages by the name they are imported by, in a folder of this name. */
export const npm = (dependencies: Readonly<Record<string, string>>, name = 'npm', programs = PROGRAMS): Tool => ({
  install: ({ directory }) => {
    const folder = join(directory, name)
    once(folder, dependencies, () => {
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
      run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--force'], folder)
    })
    // Programs find their libraries beside them.
    cpSync(programs, join(folder, 'programs'), { recursive: true })
  },
})

export const go = (modules: readonly string[]): Tool => ({
  install: ({ directory }) => {
    if (!isInstalled('go')) throw new Error('go is not installed')
    const folder = join(directory, 'go')
    once(
      folder,
      [
        modules,
        ...['nethttp', 'awssdk', 'grpc'].map((name) => readFileSync(join(PROGRAMS, 'go', name, 'main.go'), 'utf8')),
      ],
      () => {
        cpSync(join(PROGRAMS, 'go'), folder, { recursive: true })
        run('go', ['get', ...modules], folder)
        run('go', ['build', '-o', 'bin/', './...'], folder)
      },
    )
  },
})

export const java: Tool = {
  install: ({ directory }) => {
    for (const command of ['java', 'javac']) if (!isInstalled(command)) throw new Error(`${command} is not installed`)
    const folder = join(directory, 'java')
    const sources = ['UrlConnection.java', 'Client.java'].map((file) => join(PROGRAMS, 'java', file))
    const wanted = [versionOf(['javac', '-version']), ...sources.map((file) => readFileSync(file, 'utf8'))]
    once(folder, wanted, () => void run('javac', ['-d', folder, ...sources]))
  },
}

/** gRPC for Java, with what it needs, by Maven. */
export const javaGrpc: Tool = {
  install: ({ directory }) => {
    for (const command of ['mvn', 'javac']) if (!isInstalled(command)) throw new Error(`${command} is not installed`)
    const folder = join(directory, 'java-grpc')
    const sources = join(PROGRAMS, 'java-grpc')
    once(
      folder,
      ['pom.xml', 'Grpc.java'].map((file) => readFileSync(join(sources, file), 'utf8')),
      () => {
        cpSync(sources, folder, { recursive: true })
        run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib'], folder)
        run('javac', ['-cp', 'lib/*', '-d', '.', 'Grpc.java'], folder)
      },
    )
  },
}

export const rust: Tool = {
  install: ({ directory }) => {
    if (!isInstalled('cargo')) throw new Error('cargo is not installed')
    const folder = join(directory, 'rust')
    once(folder, readFileSync(join(PROGRAMS, 'rust/Cargo.toml'), 'utf8'), () => {
      cpSync(join(PROGRAMS, 'rust'), folder, { recursive: true })
      run('cargo', ['build', '--release', '--quiet'], folder)
    })
  },
}

/** Not in any registry this project installs from. */
export const unavailable = (command: string): Tool => ({
  install: () => {
    if (!isInstalled(command)) throw new Error(`${command} is not installed, and no package registry used here has it`)
  },
})
