import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import { createTestAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/port.ts'
import { startNginx } from './nginx.ts'

export const PARTNER_HOST = 'partner.bench.example'
export const ROLE_ARN = 'arn:aws:iam::123456789012:role/bench'
/** The target has one core to itself; load, partners and the emulator share the other. */
export const TARGET_CORE = 0
export const OTHER_CORE = 1

/** What the partner speaks: clear text, TLS with HTTP/1.1 only, or TLS with HTTP/2 offered beside it. */
export type Partner = 'http' | 'https' | 'h2'

/** 1 KiB at every other path. */
export const MEGABYTE_PATH = '/megabyte'

/** What every target talks to: partners of each kind, and an emulated STS. */
export interface World {
  /** Of the partners. */
  readonly address: string
  readonly directory: string
  /** In PEM. */
  readonly ca: string
  readonly caFile: string
  /** Of the partners with TLS, and their key. */
  readonly certFile: string
  readonly keyFile: string
  readonly ports: Readonly<Record<Partner, number>>
  readonly stsUrl: string
  readonly tokenFile: string
  close(): Promise<void>
}

/** @param address of this machine: where partners listen. */
export async function createWorld(address = '127.0.0.1'): Promise<World> {
  execFileSync('taskset', ['-acp', String(OTHER_CORE), String(process.pid)], { stdio: 'ignore' })
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
  const file = (name: string, content: string): string => {
    const path = join(directory, name)
    writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const authority = await createTestAuthority()
  const { cert, key } = await authority.issue([PARTNER_HOST, '127.0.0.1'])
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
  })
  const ports = { http: await freePort(), https: await freePort(), h2: await freePort() }
  // nginx's worker is another user where the bench runs as root.
  for (const path of [directory, file(MEGABYTE_PATH, 'x'.repeat(2 ** 20))]) chmodSync(path, 0o755)
  const answer = `location / { return 200 "${'x'.repeat(1024)}"; } location = ${MEGABYTE_PATH} { root ${directory}; }`
  const [certFile, keyFile] = [file('partner.crt', cert), file('partner.key', key)]
  const tls = `ssl_certificate ${certFile}; ssl_certificate_key ${keyFile}; ssl_protocols TLSv1.3;
               if ($http_authorization = "") { return 401; } ${answer}`
  const nginx = await startNginx({
    core: OTHER_CORE,
    directory: join(directory, 'partner'),
    address,
    port: ports.h2,
    http: `client_max_body_size 0; client_body_buffer_size 64k;
     server { listen ${address}:${ports.http} backlog=4096; ${answer} }
     server { listen ${address}:${ports.https} ssl backlog=4096; ${tls} }
     server { listen ${address}:${ports.h2} ssl http2 backlog=4096; ${tls} }`,
  })
  return {
    address,
    directory,
    ca: authority.ca,
    caFile: file('ca.crt', authority.ca),
    certFile,
    keyFile,
    ports,
    stsUrl: emulator.stsUrl,
    tokenFile: file('token', await emulator.mintServiceAccountToken({ namespace: 'bench', serviceAccount: 'bench' })),
    close: async () => {
      await nginx.stop()
      await emulator.close()
    },
  }
}
