import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import type { Emulator, EmulatorOptions, Fault } from '../../aws-emulator/src/index.ts'
import { createTestAuthority } from '../certificates.ts'
import type { TestAuthority } from '../certificates.ts'
import type { Group } from '../control-group.ts'
import type { RunningProcess } from '../process.ts'
import { startNode, startNodeIn, startNodeWithFiles } from '../process.ts'
import { startFaultyPartner } from './partner.ts'
import type { FaultyPartner } from './partner.ts'
import { portsOf, proxyArguments } from '../proxy/process.ts'

/** The shipped proxy as a process between this process and a partner, with an emulated AWS. */
export interface Stack {
  readonly emulator: Emulator
  readonly partner: FaultyPartner
  /** The process that runs now. */
  proxy(): RunningProcess
  readonly proxyPort: number
  readonly controlPort: number
  readonly adminPort: number
  /** The partner as the application calls it. */
  readonly url: string
  /** Of the projected service account token; tests may write another. */
  readonly tokenFile: string
  /** The value of one series, named with its labels. @throws when there is none: a misspelt name must not read as 0. */
  metric(series: string): Promise<number>
  /** Starts the proxy again where it was, after it has ended. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface StackOptions {
  readonly emulator?: Partial<EmulatorOptions>
  /** Of AWS, before the proxy first asks it. */
  readonly faults?: readonly Fault[]
  readonly federation?: boolean
  /** Of the proxy, beside what every run needs. */
  readonly environment?: Readonly<Record<string, string>>
  /** Fields of the partner's route beside its host. */
  readonly route?: Readonly<Record<string, unknown>>
  /** In addition to the partner's. */
  readonly routes?: readonly object[]
  /** Instead of routes: what makes the proxy run standalone, given the partner's `host:port`. */
  readonly standalone?: (partner: string, authority: TestAuthority) => Standalone | Promise<Standalone>
  /** Whether the partner speaks HTTP/2. */
  readonly http2?: boolean
  /** The partner's name leads to the proxy. */
  readonly steered?: Steered
  /** Limit on the proxy's open files, sockets included. */
  readonly openFiles?: number
  /** What the proxy runs in; the test removes it. */
  readonly group?: Group
}

/** The proxy listens on the loopback, on the partner's own port; the partner must be elsewhere. */
export interface Steered {
  /** Of this machine, and not its loopback. */
  readonly partnerAddress: string
  /** Knows the partner and STS_HOST. */
  readonly nameServer: string
  /** Ports in addition to the partner's own. */
  readonly ports: readonly number[]
}

/** How a standalone proxy is told what to do. */
export interface Standalone {
  readonly variables?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

export const ROLE_ARN = 'arn:aws:iam::123456789012:role/orders'
/** Of the emulated AWS, where names are asked for by DNS. */
export const STS_HOST = 'sts.emulator.example'
export const PARTNER_HOST = 'api.partner.example'
const AUDIENCE = `https://${PARTNER_HOST}`

/** Starts emulator, partner and proxy; the caller closes them. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-stack-'))
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
    ...options.emulator,
  })
  emulator.setFaults(options.faults ?? [])
  emulator.setFederation(options.federation ?? true)
  const authority = await createTestAuthority()
  const pair = await authority.issue([PARTNER_HOST])
  const partner = await startFaultyPartner({
    ...pair,
    issuer: emulator.issuer,
    audience: AUDIENCE,
    ...(options.steered && { host: options.steered.partnerAddress }),
    ...(options.http2 !== undefined && { http2: options.http2 }),
  })
  const files = { ca: join(directory, 'ca.crt'), token: join(directory, 'token') }
  writeFileSync(files.ca, authority.ca)
  writeFileSync(files.token, await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }))
  const address = `${PARTNER_HOST}:${partner.port}`
  const { variables, flags = [] } = (await options.standalone?.(address, authority)) ?? {}
  const environment = {
    LISTEN_ADDR: '127.0.0.1:0',
    CONTROL_LISTEN_ADDR: '127.0.0.1:0',
    ...(options.standalone
      ? { METRICS_LISTEN_ADDR: '127.0.0.1:0', ...variables }
      : {
          ADMIN_LISTEN_ADDR: '127.0.0.1:0',
          ROUTES: JSON.stringify([
            { hosts: [address], audience: [AUDIENCE], ...options.route },
            ...(options.routes ?? []),
          ]),
        }),
    UPSTREAM_CA_FILE: files.ca,
    ALLOW_LOCAL_UPSTREAMS: 'true',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: emulator.stsUrl,
    AWS_ROLE_ARN: ROLE_ARN,
    AWS_WEB_IDENTITY_TOKEN_FILE: files.token,
    AWS_EC2_METADATA_DISABLED: 'true',
    RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1`,
    ...(options.steered && {
      STEERED_PORTS: [...options.steered.ports, partner.port].join(','),
      NAME_SERVERS: options.steered.nameServer,
      AWS_ENDPOINT_URL_STS: emulator.stsUrl.replace('127.0.0.1', STS_HOST),
    }),
    ...options.environment,
  }
  let proxy = await startProxy(environment, flags, options)
  return {
    emulator,
    partner,
    proxy: () => proxy.process,
    proxyPort: proxy.port,
    controlPort: proxy.controlPort,
    adminPort: proxy.adminPort,
    url: `http://${address}/`,
    tokenFile: files.token,
    restart: async () => {
      const samePlace = { ...environment, LISTEN_ADDR: `127.0.0.1:${proxy.port}` }
      proxy = await startProxy(samePlace, flags, options)
    },
    metric: async (series) => {
      const text = await (await fetch(`http://127.0.0.1:${proxy.adminPort}/metrics`)).text()
      const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
      if (line === undefined) throw new Error(`no series ${series}`)
      return Number(line.slice(series.length))
    },
    close: async () => {
      proxy.process.signal('SIGKILL')
      await proxy.process.exited
      await partner.close()
      await emulator.close()
      rmSync(directory, { recursive: true })
    },
  }
}

interface RunningProxy {
  readonly process: RunningProcess
  readonly port: number
  readonly adminPort: number
  readonly controlPort: number
}

async function startProxy(
  environment: Readonly<Record<string, string>>,
  flags: readonly string[],
  { group, openFiles }: Pick<StackOptions, 'group' | 'openFiles'>,
): Promise<RunningProxy> {
  const args = ['--import', './test/support/resolve.mjs', ...proxyArguments(), ...flags]
  const start = (): RunningProcess => {
    if (group) return startNodeIn(group, args, environment)
    return openFiles === undefined ? startNode(args, environment) : startNodeWithFiles(openFiles, args, environment)
  }
  const process = start()
  const { proxy: port, admin: adminPort, control: controlPort } = await portsOf(process)
  return { process, port, adminPort, controlPort }
}
