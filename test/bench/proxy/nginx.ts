import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startPinned } from './pinned.ts'
import type { Pinned } from './pinned.ts'

export interface NginxOptions {
  readonly core: number
  /** For its configuration and temporary files. */
  readonly directory: string
  /** One of those it listens on, and where; the loopback unless said otherwise. */
  readonly port: number
  readonly address?: string
  /** Directives of the `http` block. */
  readonly http: string
}

/** Starts nginx in the foreground with one worker, and waits for its port. */
export function startNginx({ core, directory, http, ...listens }: NginxOptions): Promise<Pinned> {
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'nginx.conf')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(directory, name)};`)
    .join(' ')
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${join(directory, 'pid')}; error_log ${join(directory, 'error.log')} warn;
     events { worker_connections 4096; }
     http { access_log off; ${temporary} keepalive_requests 1000000000; keepalive_timeout 300s; ${http} }`,
  )
  return startPinned({ core, program: 'nginx', args: ['-p', directory, '-c', file, '-e', '/dev/null'], ...listens })
}
