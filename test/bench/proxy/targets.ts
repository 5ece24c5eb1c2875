import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/port.ts'
import { missingEnvoy, startEnvoy } from './envoy.ts'
import { startNginx } from './nginx.ts'
import { startPinned } from './pinned.ts'
import { BASELINE, missingBaseline, startOurs } from './ours.ts'
import { missingReference, startReference } from './reference.ts'
import { BEARER } from './target.ts'
import type { Target, TargetRow } from './target.ts'
import { PARTNER_HOST, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

const withoutGo = (): string | undefined =>
  spawnSync('go', ['version']).status === 0 ? undefined : 'go is not installed'

export const TARGETS: readonly TargetRow[] = [
  { name: 'direct', start: startDirect },
  { name: 'direct, http', start: (world) => startDirect(world, 'http') },
  { name: 'proxy', start: startOurs },
  {
    name: 'proxy, before',
    missing: missingBaseline,
    start: (world, partner) => startOurs(world, partner, BASELINE),
  },
  { name: 'nginx', start: startReverseNginx },
  { name: 'Envoy', missing: missingEnvoy, start: (world, partner) => startEnvoy(world, partner, 'http/1.1') },
  { name: 'Envoy, HTTP/2', missing: missingEnvoy, start: (world, partner) => startEnvoy(world, partner, 'h2') },
  { name: 'Go, tuned pool', missing: withoutGo, start: (world, partner) => startGo(world, partner, 256) },
  // What http.Transport does unless told otherwise.
  { name: 'Go, default pool', missing: withoutGo, start: (world, partner) => startGo(world, partner, 2) },
  { name: 'reference', missing: missingReference, start: startReference },
  { name: 'httpxy', start: (world, partner) => startNodePeer('httpxy.ts', world, partner) },
  { name: 'http-proxy', start: (world, partner) => startNodePeer('http-proxy.ts', world, partner) },
]

/** The partner itself, called by a client that has a token. */
function startDirect(world: World, partner: Partner): Promise<Target> {
  return Promise.resolve({
    port: world.ports[partner],
    tls: partner !== 'http',
    origin: '',
    host: PARTNER_HOST,
    headers: { Authorization: BEARER },
    stop: () => Promise.resolve(),
  })
}

/** The scheme of a partner. */
const scheme = (partner: Partner): string => (partner === 'http' ? 'http' : 'https')

async function startReverseNginx(world: World, partner: Partner): Promise<Target> {
  const port = await freePort()
  const nginx = await startNginx({
    core: TARGET_CORE,
    directory: join(world.directory, `nginx-${partner}`),
    port,
    http: `upstream partner { server ${world.address}:${world.ports[partner]}; keepalive 64; keepalive_requests 1000000000; }
     server { listen 127.0.0.1:${port} backlog=4096; location / {
       proxy_pass ${scheme(partner)}://partner; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host ${PARTNER_HOST};
       proxy_set_header Authorization "${BEARER}"; proxy_ssl_name ${PARTNER_HOST}; proxy_ssl_server_name on; proxy_ssl_verify on;
       proxy_ssl_protocols TLSv1.2 TLSv1.3; proxy_ssl_trusted_certificate ${world.caFile}; } }`,
  })
  return { ...nginx, port, origin: '', host: PARTNER_HOST }
}

async function startGo(world: World, partner: Partner, idlePerHost: number): Promise<Target> {
  const program = join(world.directory, 'reverse-proxy')
  if (!existsSync(program)) build(program)
  const env = { ...(await peerEnvironment(world, partner)), IDLE_PER_HOST: String(idlePerHost), GOMAXPROCS: '1' }
  return startPeer(program, [], env)
}

function build(program: string): void {
  const source = 'test/bench/proxy/peers/reverse-proxy.go'
  const { status, stderr } = spawnSync('go', ['build', '-o', program, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`go build:\n${stderr}`)
}

async function startNodePeer(file: string, world: World, partner: Partner): Promise<Target> {
  return startPeer(process.execPath, [`test/bench/proxy/peers/${file}`], await peerEnvironment(world, partner))
}

type PeerEnvironment = Readonly<Record<string, string>> & { readonly PORT: string }

async function peerEnvironment(world: World, partner: Partner): Promise<PeerEnvironment> {
  return {
    PORT: String(await freePort()),
    UPSTREAM: `${scheme(partner)}://${world.address}:${world.ports[partner]}`,
    UPSTREAM_HOST: PARTNER_HOST,
    CA_FILE: world.caFile,
    BEARER,
  }
}

async function startPeer(program: string, args: readonly string[], env: PeerEnvironment): Promise<Target> {
  const port = Number(env.PORT)
  return {
    ...(await startPinned({ core: TARGET_CORE, program, args, env, port })),
    port,
    origin: '',
    host: PARTNER_HOST,
  }
}
