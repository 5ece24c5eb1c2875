// Real egress proxies. Names of partners resolve in squid alone, so that no connection can go past it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from '../certificates.ts'
import { accepts, freePort } from '../port.ts'
import { until } from '../until.ts'

const SQUID = '/usr/sbin/squid'
const TINYPROXY = '/usr/bin/tinyproxy'

/** Names of the programs that are not installed here; empty when the tests can run. */
export const MISSING_PROXIES: readonly string[] = [SQUID, TINYPROXY].filter((path) => !existsSync(path))

export interface RunningEgressProxy {
  readonly port: number
  /** What it was asked so far, a line each. */
  log(): string
  /** Ends it and starts another one on the same port. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface SquidOptions {
  /** These are this machine; no other name resolves. */
  readonly names: readonly string[]
  /** Only who sends these may use it. */
  readonly credentials?: { readonly user: string; readonly password: string }
  /** Names that it refuses. */
  readonly denied?: readonly string[]
  /** It speaks TLS itself. */
  readonly certificate?: KeyPair
}

/** Starts squid. */
export async function startSquid(options: SquidOptions): Promise<RunningEgressProxy> {
  const { names, credentials, denied = [], certificate } = options
  const port = await freePort()
  return await start([SQUID, '-N', '-f'], port, 'access.log', (path) => {
    write(path('hosts'), names.map((name) => `127.0.0.1 ${name}\n`).join(''))
    if (certificate) write(path('tls.pem'), `${certificate.cert}\n${certificate.key}\n`)
    if (credentials) {
      const { user, password } = credentials
      write(
        path('authenticate'),
        `#!/bin/sh\nwhile read given; do [ "$given" = "${user} ${password}" ] && echo OK || echo ERR; done\n`,
      )
      chmodSync(path('authenticate'), 0o755)
    }
    return [
      certificate ? `https_port 127.0.0.1:${port} tls-cert=${path('tls.pem')}` : `http_port 127.0.0.1:${port}`,
      `hosts_file ${path('hosts')}`,
      'dns_nameservers 127.0.0.1',
      'dns_timeout 1 second',
      'dns_retransmit_interval 200 milliseconds',
      ...(credentials
        ? [
            `auth_param basic program ${path('authenticate')}`,
            'auth_param basic children 1',
            'acl known proxy_auth REQUIRED',
            'http_access deny !known',
          ]
        : []),
      ...(denied.length > 0 ? [`acl denied dstdomain ${denied.join(' ')}`, 'http_access deny denied'] : []),
      'http_access allow all',
      'cache deny all',
      `access_log stdio:${path('access.log')}`,
      'logfile_rotate 0',
      `cache_log ${path('cache.log')}`,
      'pid_filename none',
      'pinger_enable off',
      'shutdown_lifetime 0 seconds',
      `coredump_dir ${path('')}`,
    ]
  })
}

export interface TinyproxyOptions {
  /** A proxy that it goes by itself; it looks up no name then. */
  readonly parentPort: number
  readonly credentials?: { readonly user: string; readonly password: string }
}

/** Starts tinyproxy. */
export async function startTinyproxy({ parentPort, credentials }: TinyproxyOptions): Promise<RunningEgressProxy> {
  const port = await freePort()
  return await start([TINYPROXY, '-d', '-c'], port, 'access.log', (path) => [
    `Port ${port}`,
    'Listen 127.0.0.1',
    'Timeout 60',
    'MaxClients 50',
    'LogLevel Connect',
    `LogFile "${path('access.log')}"`,
    ...(credentials ? [`BasicAuth ${credentials.user} ${credentials.password}`] : []),
    `Upstream http 127.0.0.1:${parentPort}`,
  ])
}

async function start(
  command: readonly string[],
  port: number,
  log: string,
  configure: (path: (name: string) => string) => readonly string[],
): Promise<RunningEgressProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'egress-'))
  // Both give their privileges up.
  chmodSync(directory, 0o777)
  const path = (name: string): string => join(directory, name)
  write(path('proxy.conf'), `${configure(path).join('\n')}\n`)
  const [program = '', ...args] = command
  let child: ChildProcess
  const run = async (): Promise<void> => {
    let said = ''
    child = spawn(program, [...args, path('proxy.conf')], { stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await until(`${program} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`)
      return await accepts(port)
    })
  }
  const end = async (): Promise<void> => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  await run()
  return {
    port,
    log: () => (existsSync(path(log)) ? readFileSync(path(log), 'utf8') : ''),
    restart: async () => {
      await end()
      await run()
    },
    close: async () => {
      await end()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

function write(path: string, content: string): void {
  writeFileSync(path, content, { mode: 0o644 })
}
