import { join } from 'node:path'
import { argumentsHere, entrypoint, imageEnvironment } from '../../support/image.ts'
import { freePort } from '../../support/port.ts'
import { startPinned } from './pinned.ts'
import type { Target } from './target.ts'
import { PARTNER_HOST, ROLE_ARN, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

/** Starts the shipped bundle as its image does, with metrics and token engine on. */
export async function startOurs(world: World, partner: Partner): Promise<Target> {
  const port = await freePort()
  const host = `${PARTNER_HOST}:${world.ports[partner]}`
  const bundle = argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')
  const proxy = await startPinned({
    core: TARGET_CORE,
    program: process.execPath,
    args: ['--import', './test/support/resolve.mjs', ...bundle],
    port,
    env: {
      ...imageEnvironment('Dockerfile.proxy'),
      NODE_COMPILE_CACHE: join(world.directory, 'compiled'),
      LISTEN_ADDR: `127.0.0.1:${port}`,
      ADMIN_LISTEN_ADDR: '127.0.0.1:0',
      CONTROL_LISTEN_ADDR: '127.0.0.1:0',
      // A partner in clear text never gets a token.
      ROUTES: JSON.stringify([{ hosts: [partner === 'http' ? 'unused.example' : host] }]),
      UPSTREAM_CA_FILE: world.caFile,
      ALLOW_LOCAL_UPSTREAMS: 'true',
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_STS: world.stsUrl,
      AWS_ROLE_ARN: ROLE_ARN,
      AWS_WEB_IDENTITY_TOKEN_FILE: world.tokenFile,
      AWS_EC2_METADATA_DISABLED: 'true',
      RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1`,
      LOG_LEVEL: 'warn',
    },
  })
  return { ...proxy, port, origin: `http://${host}`, host }
}
