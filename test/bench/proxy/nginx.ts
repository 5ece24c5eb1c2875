import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from '../../support/until.ts'

export const hasNginx = (): boolean => spawnSync('nginx', ['-v']).status === 0

/** Starts nginx in the foreground with one worker and these `http` directives, and waits for its port. */
export async function startNginx(core: number, directory: string, port: number, http: string): Promise<ChildProcess> {
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
  const child = spawn('taskset', ['-c', String(core), 'nginx', '-p', directory, '-c', file, '-e', '/dev/null'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  await until(`nginx listens on ${port}`, () => accepts(port))
  return child
}

/** Whether something listens there. */
export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
