import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createRemoteJWKSet } from 'jose'
import { PROXY_CONTAINER } from '../../proxy/src/contract.ts'
import { createInjector } from '../../webhook/src/injection/decide.ts'
import { INJECTION_DEFAULTS } from '../../webhook/src/injection/settings.ts'
import { createEmulator } from '../aws-emulator/src/index.ts'
import type { Pod } from '../demo/pod.ts'
import { environmentOf, startSidecar } from '../demo/sidecar.ts'
import { VENDOR_HOSTS, startPartnerEmulators } from '../partner-emulators/server.ts'
import type { PartnerEmulators } from '../partner-emulators/server.ts'
import { createTestAuthority } from '../support/certificates.ts'
import { applyPatch } from '../support/json-patch.ts'

const ROLE_ARN = 'arn:aws:iam::123456789012:role/orders'
const SERVICE_ACCOUNT = { namespace: 'shop', serviceAccount: 'orders' }
const POD_NAME = 'orders-0'

/** An annotated pod with the shipped sidecar, at partners that trust it. */
export interface RunningPod {
  /** What a program in its container finds, and what leads it to the emulators. */
  readonly environment: Readonly<Record<string, string>>
  readonly partners: PartnerEmulators
  /** @returns what is in a token file now. */
  token(name: string): string
  /** A newer token in each file, as after half of a life. */
  rotate(): Promise<void>
  close(): Promise<void>
}

/** Starts a pod whose annotations are all that it has. @param files value of the annotation `token-files`. */
export async function startPod(files: readonly object[]): Promise<RunningPod> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-sdks-'))
  const aws = await createEmulator({ region: 'eu-central-1', accountId: '123456789012', roles: [{ arn: ROLE_ARN }] })
  const authority = await createTestAuthority()
  const keysAt = (path: string): ReturnType<typeof createRemoteJWKSet> => createRemoteJWKSet(new URL(path, aws.url))
  const partners = await startPartnerEmulators(
    { issuer: aws.issuer, keys: keysAt(`${aws.issuer}/.well-known/jwks.json`), subject: ROLE_ARN },
    authority,
    {
      'sts.aliyuncs.com': {
        issuer: `${aws.url}/_cluster`,
        keys: keysAt('/_cluster/keys'),
        subject: 'system:serviceaccount:shop:orders',
      },
    },
  )
  const caFile = join(directory, 'partners.crt')
  writeFileSync(caFile, authority.ca)
  const pod = injected(files, { AWS_ENDPOINT_URL_STS: aws.stsUrl })
  const world = { directory, podName: POD_NAME, names: {} }
  const tokens = join(directory, 'tokens')
  let sidecar = await start()
  return {
    environment: {
      ...environmentOf(pod, 'orders', world),
      TOKENS: tokens,
      EMULATORS_PORT: String(partners.port),
      REDIRECT_PORTS: VENDOR_HOSTS.map((host) => `${host}=${partners.port}`).join(','),
      RESOLVE_HOSTS: VENDOR_HOSTS.map((host) => `${host}=127.0.0.1`).join(','),
      SSL_CERT_FILE: caFile,
      NODE_EXTRA_CA_CERTS: caFile,
    },
    partners,
    token: (name) => readFileSync(join(tokens, name), 'utf8'),
    rotate: async () => {
      await stop()
      // A sidecar that starts writes new tokens.
      sidecar = await start()
    },
    close: async () => {
      await stop()
      await Promise.all([partners.close(), aws.close()])
      rmSync(directory, { recursive: true })
    },
  }

  async function start(): ReturnType<typeof startSidecar> {
    const { TOKEN_FILES = '' } = environmentOf(pod, PROXY_CONTAINER, world)
    for (const { audience, subjectTokenFile } of JSON.parse(TOKEN_FILES) as SubjectToken[])
      if (subjectTokenFile !== undefined) {
        mkdirSync(dirname(subjectTokenFile), { recursive: true })
        writeFileSync(
          subjectTokenFile,
          await aws.mintServiceAccountToken({ ...SERVICE_ACCOUNT, audience: audience[0] ?? '' }),
        )
      }
    return startSidecar(pod, { ...world, token: await aws.mintServiceAccountToken(SERVICE_ACCOUNT) })
  }

  async function stop(): Promise<void> {
    sidecar.signal('SIGKILL')
    await sidecar.exited
  }
}

interface SubjectToken {
  readonly audience: readonly string[]
  /** With source kubernetes: what the kubelet keeps current. */
  readonly subjectTokenFile?: string
}

function injected(files: readonly object[], extraEnv: Readonly<Record<string, string>>): Pod {
  const pod = {
    metadata: {
      name: POD_NAME,
      namespace: SERVICE_ACCOUNT.namespace,
      annotations: {
        'outbound-jwt.io/inject': 'true',
        'outbound-jwt.io/token-files': JSON.stringify(files),
        'outbound-jwt.io/role-arn': ROLE_ARN,
        'outbound-jwt.io/region': 'eu-central-1',
      },
    },
    spec: { serviceAccountName: 'orders', containers: [{ name: 'orders', image: 'registry.example/orders:1' }] },
  }
  const inject = createInjector({ ...INJECTION_DEFAULTS, image: 'registry.example/proxy:1', extraEnv })
  const decision = inject({ pod, mode: 'pod', operation: 'CREATE' })
  if (decision.kind !== 'inject') throw new Error(`not injected: ${JSON.stringify(decision)}`)
  return applyPatch<Pod>(pod, decision.patch)
}
