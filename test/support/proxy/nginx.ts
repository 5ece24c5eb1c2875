import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from '../certificates.ts'
import { accepts, freePort } from '../port.ts'
import { until } from '../until.ts'

/** Debian has it in /usr/sbin, which is not on every PATH. */
const PROGRAM = ['nginx', '/usr/sbin/nginx'].find((program) => spawnSync(program, ['-v']).status === 0)
export const HAS_NGINX = PROGRAM !== undefined

/** nginx as a partner that wants client certificates. */
export interface Nginx {
  readonly port: number
  close(): Promise<void>
}

export interface NginxOptions extends KeyPair {
  /** PEM of the authorities whose clients it lets in. */
  readonly clientCa: string
  /** Default: on. */
  readonly verify?: 'on' | 'optional'
}

/** Starts it, over HTTP/1.1 and HTTP/2. It answers what it made of the client: `SUCCESS CN=orders HTTP/2.0`. */
export async function startNginx({ cert, key, clientCa, verify = 'on' }: NginxOptions): Promise<Nginx> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-nginx-'))
  const file = (name: string, content: string): string => {
    writeFileSync(join(directory, name), content)
    return join(directory, name)
  }
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(directory, name)};`)
    .join(' ')
  const configuration = file(
    'nginx.conf',
    `daemon off; worker_processes 1; pid ${join(directory, 'pid')}; error_log ${join(directory, 'error.log')} warn;
     events { worker_connections 1024; }
     http {
       access_log off; ${temporary}
       server {
         listen 127.0.0.1:${port} ssl http2;
         ssl_certificate ${file('tls.crt', cert)};
         ssl_certificate_key ${file('tls.key', key)};
         ssl_client_certificate ${file('clients.crt', clientCa)};
         ssl_verify_client ${verify};
         ssl_protocols TLSv1.2 TLSv1.3;
         location / { return 200 "$ssl_client_verify $ssl_client_s_dn $server_protocol"; }
       }
     }`,
  )
  const child = spawn(PROGRAM ?? 'nginx', ['-p', directory, '-c', configuration, '-e', '/dev/null'], {
    stdio: 'ignore',
  })
  const gone = once(child, 'close')
  await until(`nginx listens on ${port}`, () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`)
    return accepts(port)
  })
  return {
    port,
    close: async () => {
      child.kill('SIGTERM')
      await gone
      rmSync(directory, { recursive: true })
    },
  }
}
