import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/port.ts'
import { startNginx } from './nginx.ts'

export const PARTNER_HOST = 'partner.bench.example'
export const ROLE_ARN = 'arn:aws:iam::123456789012:role/bench'
/** The target has one core to itself; load, upstreams and the emulator share the other. */
export const TARGET_CORE = 0
export const OTHER_CORE = 1

/** What every target talks to: an upstream in clear text and one with TLS, both answering 1 KiB, and an emulated STS. */
export interface World {
  readonly directory: string
  readonly caFile: string
  readonly upstreams: Readonly<Record<'http' | 'https', number>>
  readonly stsUrl: string
  readonly tokenFile: string
  close(): Promise<void>
}

export async function createWorld(): Promise<World> {
  execFileSync('taskset', ['-acp', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' })
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-bench-'))
  const path = (name: string): string => join(directory, name)
  const authority = await createTestAuthority()
  const { cert, key } = await authority.issue([PARTNER_HOST, '127.0.0.1'])
  writeFileSync(path('ca.crt'), authority.ca)
  writeFileSync(path('partner.crt'), cert)
  writeFileSync(path('partner.key'), key, { mode: 0o600 })
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
  })
  writeFileSync(path('token'), await emulator.mintServiceAccountToken({ namespace: 'bench', serviceAccount: 'bench' }))
  const upstreams = { http: await freePort(), https: await freePort() }
  const answer = `return 200 "${'x'.repeat(1024)}";`
  const nginx = await startNginx(
    OTHER_CORE,
    path('upstream'),
    upstreams.https,
    `client_max_body_size 0; client_body_buffer_size 64k;
     server { listen 127.0.0.1:${upstreams.http} backlog=4096; location / { ${answer} } }
     server { listen 127.0.0.1:${upstreams.https} ssl backlog=4096; ssl_certificate ${path('partner.crt')}; ssl_certificate_key ${path('partner.key')};
              ssl_protocols TLSv1.3; location / { if ($http_authorization = "") { return 401; } ${answer} } }`,
  )
  return {
    directory,
    caFile: path('ca.crt'),
    upstreams,
    stsUrl: emulator.stsUrl,
    tokenFile: path('token'),
    close: async () => {
      nginx.kill('SIGTERM')
      await once(nginx, 'close')
      await emulator.close()
      rmSync(directory, { recursive: true })
    },
  }
}
