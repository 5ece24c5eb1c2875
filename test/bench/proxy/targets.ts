import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { argumentsHere, entrypoint } from '../../support/image.ts'
import { until } from '../../support/until.ts'
import { freePort } from '../../support/port.ts'
import { accepts, startNginx } from './nginx.ts'
import { PARTNER_HOST, ROLE_ARN, TARGET_CORE } from './world.ts'
import type { World } from './world.ts'

export type Scheme = 'http' | 'https'

/** A program under load. */
export interface Target {
  readonly pid: number
  readonly port: number
  /** What goes into the request line. */
  readonly requestTarget: string
  readonly host: string
  stop(): Promise<void>
}

export interface TargetRow {
  readonly name: string
  /** Why it cannot run here; undefined when it can. */
  readonly missing?: () => string | undefined
  readonly start: (world: World, scheme: Scheme) => Promise<Target>
}

/** As long as a real token. */
const BEARER = `Bearer ${'x'.repeat(1100)}`

export const TARGETS: readonly TargetRow[] = [
  { name: 'proxy', start: startProxy },
  { name: 'nginx', start: startReverseNginx },
  { name: 'Go', missing: () => (runs('go', 'version') ? undefined : 'go is not installed'), start: startGo },
  { name: 'httpxy', start: (world, scheme) => startPeer('httpxy.ts', world, scheme) },
  { name: 'http-proxy', start: (world, scheme) => startPeer('http-proxy.ts', world, scheme) },
]

const runs = (program: string, argument: string): boolean => spawnSync(program, [argument]).status === 0

/** The shipped bundle as its image starts it, metrics and token engine on. */
async function startProxy(world: World, scheme: Scheme): Promise<Target> {
  const port = await freePort()
  const partner = `${PARTNER_HOST}:${world.upstreams[scheme]}`
  const bundle = argumentsHere(entrypoint('Dockerfile.proxy'), 'dist/proxy')
  const target = await pinned(process.execPath, ['--import', './test/support/resolve.mjs', ...bundle], port, {
    LISTEN_ADDR: `127.0.0.1:${port}`,
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CONTROL_LISTEN_ADDR: '127.0.0.1:0',
    ROUTES: JSON.stringify(scheme === 'https' ? [{ hosts: [partner] }] : [{ hosts: ['unused.example'] }]),
    UPSTREAM_CA_FILE: world.caFile,
    ALLOW_LOCAL_UPSTREAMS: 'true',
    AWS_REGION: 'eu-central-1',
    AWS_ENDPOINT_URL_STS: world.stsUrl,
    AWS_ROLE_ARN: ROLE_ARN,
    AWS_WEB_IDENTITY_TOKEN_FILE: world.tokenFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1`,
    UV_THREADPOOL_SIZE: '16',
    LOG_LEVEL: 'warn',
  })
  return { ...target, requestTarget: `http://${partner}/`, host: partner }
}

async function startReverseNginx(world: World, scheme: Scheme): Promise<Target> {
  const port = await freePort()
  const child = await startNginx(
    TARGET_CORE,
    join(world.directory, `nginx-${scheme}`),
    port,
    `upstream partner { server 127.0.0.1:${world.upstreams[scheme]}; keepalive 64; keepalive_requests 1000000000; }
     server { listen 127.0.0.1:${port} backlog=4096; location / {
       proxy_pass ${scheme}://partner; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host ${PARTNER_HOST};
       proxy_set_header Authorization "${BEARER}"; proxy_ssl_name ${PARTNER_HOST}; proxy_ssl_server_name on; proxy_ssl_verify on;
       proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_trusted_certificate ${world.caFile}; } }`,
  )
  return reverse(child, port)
}

async function startGo(world: World, scheme: Scheme): Promise<Target> {
  const program = join(world.directory, 'reverse-proxy')
  const built = spawnSync('go', ['build', '-o', program, 'test/bench/proxy/peers/reverse-proxy.go'], {
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(`go build:\n${built.stderr}`)
  return startPeerProgram(program, [], world, scheme)
}

const startPeer = (file: string, world: World, scheme: Scheme): Promise<Target> =>
  startPeerProgram(process.execPath, [`test/bench/proxy/peers/${file}`], world, scheme)

async function startPeerProgram(program: string, args: string[], world: World, scheme: Scheme): Promise<Target> {
  const port = await freePort()
  return pinned(program, args, port, {
    PORT: String(port),
    UPSTREAM: `${scheme}://127.0.0.1:${world.upstreams[scheme]}`,
    UPSTREAM_HOST: PARTNER_HOST,
    CA_FILE: world.caFile,
    BEARER,
    GOMAXPROCS: '1',
  })
}

async function pinned(
  program: string,
  args: readonly string[],
  port: number,
  env: Record<string, string>,
): Promise<Target> {
  const command = ['-c', String(TARGET_CORE), program, ...args]
  const child = spawn('taskset', command, { env: { ...env, PATH: process.env['PATH'] }, stdio: 'ignore' })
  await until(`${program} ${args.join(' ')} listens on ${port}`, () => accepts(port), 30_000)
  return reverse(child, port)
}

function reverse(child: ChildProcess, port: number): Target {
  return {
    pid: child.pid ?? -1,
    port,
    requestTarget: '/',
    host: PARTNER_HOST,
    stop: async () => {
      // nginx takes its worker along on SIGTERM, not on SIGKILL; the others have nothing to finish.
      child.kill('SIGTERM')
      await once(child, 'close')
    },
  }
}
