import { spawnSync } from 'node:child_process'
import { freePort } from '../../support/port.ts'
import { startPinned } from './pinned.ts'
import type { Target } from './target.ts'
import { ROLE_ARN, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

/** gp42/aws-outbound-jwt-proxy, the Go program whose settings standalone mode understands. */
const PROGRAM = process.env['REFERENCE_PROXY'] ?? 'aws-outbound-jwt-proxy'
const INSTALL = 'go install github.com/gp42/aws-outbound-jwt-proxy@v0.3.1'

/** Why it is not measured; undefined when it can be. */
export function missingReference(): string | undefined {
  const { status } = spawnSync(PROGRAM, ['version'])
  return status === 0 ? undefined : `it is neither on PATH nor at REFERENCE_PROXY; ${INSTALL}`
}

/** Starts it in its own shape: pinned to one partner, metrics on. */
export async function startReference(world: World, partner: Partner): Promise<Target> {
  const port = await freePort()
  const proxy = await startPinned({
    core: TARGET_CORE,
    program: PROGRAM,
    args: [],
    port,
    env: {
      LISTEN_ADDR: `127.0.0.1:${port}`,
      METRICS_LISTEN_ADDR: `127.0.0.1:${await freePort()}`,
      UPSTREAM_HOST: `127.0.0.1:${world.ports[partner]}`,
      UPSTREAM_SCHEME: partner === 'http' ? 'http' : 'https',
      TOKEN_AUDIENCE: 'https://partner.bench.example',
      // An hour, its default, is more than a session of an hour can hold by the time it asks.
      TOKEN_DURATION: '15m',
      SSL_CERT_FILE: world.caFile,
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: world.stsUrl,
      AWS_ROLE_ARN: ROLE_ARN,
      AWS_WEB_IDENTITY_TOKEN_FILE: world.tokenFile,
      AWS_EC2_METADATA_DISABLED: 'true',
      GOMAXPROCS: '1',
    },
  })
  return { ...proxy, port, origin: '', host: 'localhost' }
}
