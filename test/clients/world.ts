import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PROXY_CONTAINER, PROXY_PORT, VARIABLES } from '../../proxy/src/contract.ts'
import { createInjector } from '../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../webhook/src/injection/settings.ts'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Pod } from '../demo/pod.ts'
import { environmentOf, startSidecar } from '../demo/sidecar.ts'
import type { Mode } from './cases.ts'
import { MODES } from './cases.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { applyPatch } from '../support/json-patch.ts'
import type { EnvVar } from '../support/kubelet.ts'
import { startPartner } from '../support/partner/partner.ts'
import { startNameServer } from '../support/name-server.ts'
import { startTap } from './tap.ts'
import type { Tap } from './tap.ts'

/** Addresses this namespace has, and the names that lead there. */
export const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  '203.0.113.10': ['api.partner.example'],
  '203.0.113.20': ['other.example'],
  '10.0.0.20': ['orders.shop.svc', 'orders.shop.svc.cluster.local', 'orders'],
  '10.20.30.40': [],
  '10.96.0.1': [],
  '169.254.169.254': [],
  '169.254.170.2': [],
  '169.254.170.23': [],
  'fd00:ec2::254': [],
}

export interface World {
  /** What the webhook gives the application's container. */
  readonly environment: Readonly<Record<string, string>>
  readonly tap: Tap
  /** Connections that servers saw since the last call. */
  reached(): number
  close(): Promise<void>
}

const ROLE_ARN = 'arn:aws:iam::123456789012:role/orders'
export const PARTNER = 'api.partner.example'
/** The tap stands where the proxy would. */
const BEHIND_THE_TAP = PROXY_PORT + 10

/** Starts an annotated pod's surroundings: AWS, a partner that verifies tokens, other servers, the shipped proxy, and a tap in front of it. */
export async function startWorld(mode: Mode): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-clients-'))
  const emulator = await createEmulator({
    region: 'eu-central-1',
    accountId: '123456789012',
    roles: [{ arn: ROLE_ARN }],
  })
  const authority = await createTestAuthority()
  const pair = await authority.issue([PARTNER, 'other.example'])
  let connections = 0
  const partner = await startPartner({
    ...pair,
    issuer: emulator.issuer,
    jwksUri: `${emulator.issuer}/.well-known/jwks.json`,
    audience: `https://${PARTNER}`,
    host: '203.0.113.10',
    port: 443,
    speaksHttp2: true,
    onConnection: () => connections++,
  })
  const listener = (_request: unknown, response: { end(text: string): void }): void => response.end('plain')
  const isSteered = mode === 'hosts'
  const servers = [
    // A steered port 80 is the sidecar's.
    { server: createServer(listener), port: 80, host: isSteered ? '203.0.113.20' : '::' },
    { server: createTlsServer(pair, listener), port: 443, host: '203.0.113.20' },
  ]
  for (const { server, port, host } of servers) {
    server.on('connection', () => connections++).listen(port, host)
    await once(server, 'listening')
  }
  const caFile = join(directory, 'extra-ca/ca.crt')
  mkdirSync(dirname(caFile))
  writeFileSync(caFile, authority.ca)
  const pod = injectedPod(mode, { AWS_ENDPOINT_URL_STS: emulator.stsUrl, UPSTREAM_CA_FILE: caFile })
  const names = await startNameServer({ [PARTNER]: { a: ['203.0.113.10'] } }, 53)
  const sidecar = await startSidecar(behindTheTap(pod), {
    directory,
    podName: 'orders-0',
    names: {},
    token: await emulator.mintServiceAccountToken({ namespace: 'shop', serviceAccount: 'orders' }),
  })
  const tap = await startTap(PROXY_PORT, BEHIND_THE_TAP)
  return {
    environment: environmentOf(pod, 'orders', { podName: 'orders-0', directory }),
    tap,
    reached: () => {
      const result = connections
      connections = 0
      return result
    },
    close: async () => {
      await tap.close()
      sidecar.signal('SIGKILL')
      await sidecar.exited
      for (const { server } of servers) server.close()
      await partner.close()
      await emulator.close()
      await names.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** An annotated pod, as the webhook leaves it. */
function injectedPod(mode: Mode, extraEnv: Readonly<Record<string, string>>): Pod {
  const pod = {
    metadata: {
      name: 'orders-0',
      namespace: 'shop',
      annotations: {
        'outbound-jwt.io/inject': 'true',
        'outbound-jwt.io/hosts': PARTNER,
        'outbound-jwt.io/role-arn': ROLE_ARN,
        'outbound-jwt.io/region': 'eu-central-1',
        'outbound-jwt.io/runtimes': 'node,java',
        ...MODES[mode].annotations,
      },
    },
    spec: { serviceAccountName: 'orders', containers: [{ name: 'orders', image: 'registry.example/orders:1' }] },
  }
  const inject = createInjector({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1', extraEnv })
  const decision = inject({ pod, mode: 'pod', operation: 'CREATE' })
  if (decision.kind !== 'inject') throw new Error(`not injected: ${JSON.stringify(decision)}`)
  return applyPatch<Pod>(pod, decision.patch)
}

/** The same pod, its sidecar on another port than the application is told. */
function behindTheTap(pod: Pod): Pod {
  const moved = (variable: EnvVar): EnvVar =>
    variable.name === VARIABLES.listenAddr ? { ...variable, value: `127.0.0.1:${BEHIND_THE_TAP}` } : variable
  const initContainers = (pod.spec.initContainers ?? []).map((candidate) =>
    candidate.name === PROXY_CONTAINER ? { ...candidate, env: (candidate.env ?? []).map(moved) } : candidate,
  )
  return { ...pod, spec: { ...pod.spec, initContainers } }
}
