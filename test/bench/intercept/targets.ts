import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { accepts, freePort } from '../../support/port.ts'
import { secureThrough } from '../../support/proxy/interception.ts'
import { until } from '../../support/until.ts'
import { startNginx } from '../proxy/nginx.ts'
import { startBundle } from '../proxy/ours.ts'
import type { Pinned } from '../proxy/pinned.ts'
import { proxySettings } from '../proxy/settings.ts'
import { BEARER } from '../proxy/target.ts'
import { PARTNER_HOST, TARGET_CORE } from '../proxy/world.ts'
import { missingGoproxy, startGoproxy } from './goproxy.ts'
import { missingMitmproxy, startMitmproxy } from './mitmproxy.ts'
import { missingSquid, startSquid } from './squid.ts'
import type { InterceptedPartner, InterceptionWorld } from './world.ts'

/** A program under load. */
export interface Target extends Pinned {
  /** Opens a connection on which requests can be sent, its TLS and CONNECT done. @param protocols of ALPN. */
  open(protocols: readonly string[]): Promise<Socket>
  /** What stands before the path in the request line of HTTP/1.1. */
  readonly origin: string
  readonly authority: string
}

export interface TargetRow {
  /** Why it cannot run here; undefined when it can. */
  readonly missing?: () => string | undefined
  readonly start: (world: InterceptionWorld, partner: InterceptedPartner) => Promise<Target>
}

/** Our own path without interception: http in, https out. */
export const HTTP_PATH = 'http:// path'

/** By name; `proxy` is our interception through CONNECT, `steered` the same with `steering: hosts`. */
export const TARGETS: Readonly<Record<string, TargetRow>> = {
  [HTTP_PATH]: { start: startHttpPath },
  proxy: { start: startProxy },
  steered: { start: startSteered },
  goproxy: { missing: missingGoproxy, start: peer(startGoproxy) },
  squid: { missing: missingSquid, start: peer(startSquid) },
  mitmproxy: { missing: missingMitmproxy, start: peer(startMitmproxy) },
  nginx: { missing: missingNginx, start: startGrpcNginx },
}

const authorityOf = (world: InterceptionWorld, partner: InterceptedPartner): string =>
  `${PARTNER_HOST}:${world.tlsPorts[partner]}`

/** The kept answers of the partner with HTTP/1.1, whatever the others of the lane call. */
async function startHttpPath(world: InterceptionWorld): Promise<Target> {
  const port = await freePort()
  const authority = authorityOf(world, 'https')
  const open = async (): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return socket
  }
  const proxy = await startBundle(world, port, proxySettings(world, port, authority))
  return { ...proxy, open, origin: `http://${authority}`, authority }
}

async function startProxy(world: InterceptionWorld, partner: InterceptedPartner): Promise<Target> {
  const port = await freePort()
  const authority = authorityOf(world, partner)
  const { settings, anchor } = await interception(world, port, authority)
  const proxy = await startBundle(world, port, settings)
  return { ...proxy, open: through(port, authority, await anchor()), origin: '', authority }
}

async function startSteered(world: InterceptionWorld, partner: InterceptedPartner): Promise<Target> {
  const port = await freePort()
  const authority = authorityOf(world, partner)
  const steeredPort = world.tlsPorts[partner]
  const { settings, anchor } = await interception(world, port, authority)
  const steering = { STEERED_PORTS: String(steeredPort), NAME_SERVERS: world.nameServer }
  const proxy = await startBundle(world, port, { ...settings, ...steering })
  await until('the steered port is open', () => accepts(steeredPort))
  return { ...proxy, open: secure(steeredPort, await anchor()), origin: '', authority }
}

/** Settings of a sidecar that intercepts, and what it signs with. */
async function interception(
  world: InterceptionWorld,
  port: number,
  authority: string,
): Promise<{ readonly settings: Readonly<Record<string, string>>; readonly anchor: () => Promise<string> }> {
  const [trust, own] = [join(world.directory, `trust-${port}`), join(world.directory, `authority-${port}`)]
  for (const directory of [trust, own]) await mkdir(directory)
  return {
    settings: {
      ...proxySettings(world, port, authority, { https: 'intercept' }),
      TRUST_DIR: trust,
      AUTHORITY_DIR: own,
    },
    anchor: async () => {
      await until('the sidecar has an anchor', () => readOr(join(trust, 'ca.crt')) !== '')
      return readOr(join(trust, 'ca.crt'))
    },
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Opens by CONNECT. */
const through =
  (port: number, authority: string, ca: string): Target['open'] =>
  (protocols) =>
    secureThrough(port, authority, { ca, ALPNProtocols: [...protocols] })

/** Opens by TLS alone: the name leads there. */
const secure =
  (port: number, ca: string): Target['open'] =>
  async (ALPNProtocols) => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      servername: PARTNER_HOST,
      ca,
      ALPNProtocols: [...ALPNProtocols],
    })
    await once(socket, 'secureConnect')
    return socket
  }

/** What is started on a port and signs with the peers' own authority. */
function peer(start: (world: InterceptionWorld, port: number) => Promise<Pinned>): TargetRow['start'] {
  return async (world, partner) => {
    const port = await freePort()
    const authority = authorityOf(world, partner)
    const program = await start(world, port)
    return { ...program, open: through(port, authority, world.authority.cert), origin: '', authority }
  }
}

function missingNginx(): string | undefined {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    return undefined
  } catch {
    return 'it is not installed'
  }
}

/** No proxy by CONNECT, but TLS and HTTP/2 on both sides; nginx has a connection to the partner for each call at a time. */
async function startGrpcNginx(world: InterceptionWorld, partner: InterceptedPartner): Promise<Target> {
  const port = await freePort()
  const nginx = await startNginx({
    core: TARGET_CORE,
    directory: join(world.directory, `nginx-${partner}-${port}`),
    port,
    http: `client_max_body_size 0; upstream partner { server ${world.address}:${world.tlsPorts[partner]}; keepalive 64; keepalive_requests 1000000000; }
     server { listen 127.0.0.1:${port} ssl http2 backlog=4096; http2_max_concurrent_streams 256;
       ssl_certificate ${world.certFile}; ssl_certificate_key ${world.keyFile}; ssl_protocols TLSv1.3;
       location / { grpc_pass grpcs://partner; grpc_set_header Authorization "${BEARER}"; grpc_ssl_name ${PARTNER_HOST};
         grpc_ssl_server_name on; grpc_ssl_verify on; grpc_ssl_protocols TLSv1.3; grpc_ssl_trusted_certificate ${world.caFile}; } }`,
  })
  return { ...nginx, open: secure(port, world.ca), origin: '', authority: authorityOf(world, partner) }
}
