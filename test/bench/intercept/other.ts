import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInjector } from '../../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../../webhook/src/injection/settings.ts'
import { createEmulator } from '../../aws-emulator/src/index.ts'
import type { Pod } from '../../demo/pod.ts'
import { environmentOf, startSidecar } from '../../demo/sidecar.ts'
import { applyPatch } from '../../support/json-patch.ts'
import { startNode } from '../../support/process.ts'
import { PARTNER_HOST, ROLE_ARN } from '../proxy/world.ts'
import { OTHER_ADDRESS } from './world.ts'

/** What became of a pod's calls to a host that is nobody's partner. */
export interface OtherTraffic {
  readonly steering: (typeof STEERINGS)[number]
  readonly calls: number
  /** How many were answered. */
  readonly answered: number
  /** Requests, tunnels and steered connections that the sidecar counted. */
  readonly throughSidecar: number
}

export const STEERINGS = ['proxy', 'hosts'] as const
const CALLS = 100
const OTHER_HOST = 'other.bench.example'

/** Lets an application call another host, in the environment and with the names that the webhook gives it. */
export async function otherTraffic(): Promise<readonly OtherTraffic[]> {
  const server = createServer((_request, response) => response.end('other')).listen(0, OTHER_ADDRESS)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const found: OtherTraffic[] = []
  for (const steering of STEERINGS) found.push({ steering, calls: CALLS, ...(await callsOf(steering, port)) })
  server.close()
  return found
}

async function callsOf(
  steering: OtherTraffic['steering'],
  port: number,
): Promise<Pick<OtherTraffic, 'answered' | 'throughSidecar'>> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-other-'))
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
  })
  const pod = injectedPod(steering, emulator.stsUrl)
  const token = await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' })
  const names = { [OTHER_HOST]: OTHER_ADDRESS }
  const sidecar = await startSidecar(pod, { directory, token, names, podName: 'orders-0' })
  const { admin } = await sidecar.logged('listening')
  const counted = async (): Promise<number> => countOf(await (await fetch(`http://${String(admin)}/metrics`)).text())
  const before = await counted()
  const aliases = pod.spec.hostAliases ?? []
  const known = [
    ...aliases.flatMap(({ ip, hostnames }) => hostnames.map((name) => `${name}=${ip}`)),
    `${OTHER_HOST}=${OTHER_ADDRESS}`,
  ]
  const urls = Array.from({ length: CALLS }, () => `http://${OTHER_HOST}:${port}/`)
  const application = startNode(
    ['--import', './test/support/resolve.mjs', 'test/support/partner/application.ts', ...urls],
    {
      ...environmentOf(pod, 'orders', { podName: 'orders-0', directory }),
      RESOLVE_HOSTS: known.join(),
    },
  )
  await application.exited
  const answered = application.output().split('"status":200').length - 1
  const throughSidecar = (await counted()) - before
  sidecar.signal('SIGKILL')
  await sidecar.exited
  await emulator.close()
  rmSync(directory, { recursive: true })
  return { answered, throughSidecar }
}

/** The sum of all that the sidecar counts per request or connection. */
function countOf(metrics: string): number {
  const series =
    /^(?:http_server_request_duration_seconds_count|outbound_jwt_connects_total|outbound_jwt_steered_connections_total)(?:\{.*\})? (\d+)$/gm
  return [...metrics.matchAll(series)].reduce((sum, [, value]) => sum + Number(value), 0)
}

type InjectedPod = Pod & {
  readonly spec: { readonly hostAliases?: readonly { readonly ip: string; readonly hostnames: readonly string[] }[] }
}

function injectedPod(steering: OtherTraffic['steering'], stsUrl: string): InjectedPod {
  const pod = {
    metadata: {
      name: 'orders-0',
      namespace: 'shop',
      annotations: {
        'outbound-jwt.io/inject': 'true',
        'outbound-jwt.io/hosts': PARTNER_HOST,
        'outbound-jwt.io/role-arn': ROLE_ARN,
        'outbound-jwt.io/region': 'eu-central-1',
        'outbound-jwt.io/runtimes': 'node',
        'outbound-jwt.io/https': 'intercept',
        'outbound-jwt.io/steering': steering,
      },
    },
    spec: { serviceAccountName: 'orders', containers: [{ name: 'orders', image: 'registry.example/orders:1' }] },
  }
  const inject = createInjector({
    ...INJECTION_DEFAULTS,
    image: 'registry.example/proxy:1',
    extraEnv: { AWS_ENDPOINT_URL_STS: stsUrl },
  })
  const decision = inject({ pod, mode: 'pod', operation: 'CREATE' })
  if (decision.kind !== 'inject') throw new Error(`not injected: ${JSON.stringify(decision)}`)
  return applyPatch<InjectedPod>(pod, decision.patch)
}
