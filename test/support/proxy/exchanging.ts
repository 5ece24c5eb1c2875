import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRemoteJWKSet } from 'jose'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import type { Emulator } from '../../aws-emulator/src/index.ts'
import { VENDOR_HOSTS, startPartnerEmulators } from '../../partner-emulators/server.ts'
import type { PartnerEmulators } from '../../partner-emulators/server.ts'
import { createTestAuthority } from '../certificates.ts'
import type { TestAuthority } from '../certificates.ts'
import type { RunningProcess } from '../process.ts'
import { call } from './client.ts'
import { portsOf, startProxyProcess } from './process.ts'
import { startUpstream } from './upstream.ts'

const ROLE = 'arn:aws:iam::123456789012:role/orders'

/** AWS, vendors and their customers' partners on this machine, and the shipped proxy among them. */
export interface ExchangeWorld {
  readonly aws: Emulator
  readonly vendors: PartnerEmulators
  readonly authority: TestAuthority
  /** Its certificate, which the proxy trusts. */
  readonly caFile: string
  /** Header fields that partners were sent last, by their first label. */
  readonly seen: Map<string, IncomingHttpHeaders>
  /** What partners answer. */
  status: number
  /** @returns the host of a partner, as a route names it. @param name its first label. */
  hostOf(name: string): string
  /** @returns the path of a new file. */
  write(name: string, content: string | Buffer): string
  /** Variables of a pod with a role. */
  readonly awsVariables: Readonly<Record<string, string>>
  /** Starts the proxy, instead of the one that runs. @param hosts that are at a port of this machine. */
  start(
    routes: readonly object[],
    variables: Readonly<Record<string, string>>,
    hosts?: Readonly<Record<string, number>>,
  ): Promise<ExchangingProxy>
  close(): Promise<void>
}

export interface ExchangingProxy {
  readonly process: RunningProcess
  readonly adminPort: number
  /** Calls a partner by its first label. */
  get(name: string): ReturnType<typeof call>
  /** Calls a URL as an application does. */
  call(url: string): ReturnType<typeof call>
}

export async function openExchangeWorld(): Promise<ExchangeWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'exchange-'))
  const authority = await createTestAuthority()
  const aws = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE }] })
  const keys = createRemoteJWKSet(new URL(`${aws.issuer}/.well-known/jwks.json`))
  const vendors = await startPartnerEmulators({ issuer: aws.issuer, keys, subject: ROLE }, authority)
  const seen = new Map<string, IncomingHttpHeaders>()
  const partner = await startUpstream(
    ({ headers }, reply) => {
      seen.set(headers.host?.split('.')[0] ?? '', headers)
      const challenge = world.status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {}
      reply.writeHead(world.status, challenge).end()
    },
    await authority.issue(['*.partner.example']),
  )
  const write = (name: string, content: string | Buffer): string => {
    const path = join(directory, name)
    writeFileSync(path, content)
    return path
  }
  let running: RunningProcess | undefined
  const stop = async (): Promise<void> => {
    running?.signal('SIGKILL')
    await running?.exited
  }
  const hostOf = (name: string): string => `${name}.partner.example:${partner.port}`
  const caFile = write('ca.crt', authority.ca)
  const world: ExchangeWorld = {
    aws,
    vendors,
    authority,
    caFile,
    seen,
    status: 200,
    hostOf,
    write,
    awsVariables: {
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: aws.stsUrl,
      AWS_ROLE_ARN: ROLE,
      AWS_WEB_IDENTITY_TOKEN_FILE: write(
        'token',
        await aws.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }),
      ),
    },
    start: async (routes, variables, hosts = {}) => {
      await stop()
      const redirected = { ...Object.fromEntries(VENDOR_HOSTS.map((host) => [host, vendors.port])), ...hosts }
      running = startProxyProcess({
        ALLOW_LOCAL_UPSTREAMS: 'true',
        AWS_EC2_METADATA_DISABLED: 'true',
        UPSTREAM_CA_FILE: caFile,
        ROUTES: JSON.stringify(routes),
        RESOLVE_HOSTS: [...Object.keys(redirected), '*.partner.example'].map((host) => `${host}=127.0.0.1`).join(','),
        REDIRECT_PORTS: Object.entries(redirected)
          .map(([host, port]) => `${host}=${port}`)
          .join(','),
        ...variables,
      })
      const ports = await portsOf(running)
      return {
        process: running,
        adminPort: ports.admin,
        get: (name) => call(ports.proxy, `http://${hostOf(name)}/`),
        call: (url) => call(ports.proxy, url),
      }
    },
    close: async () => {
      await stop()
      await Promise.all([partner.close(), vendors.close(), aws.close()])
      rmSync(directory, { recursive: true })
    },
  }
  return world
}
