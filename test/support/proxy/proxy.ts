import { once } from 'node:events'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { PodAuthority } from '../../../proxy/src/authority/authority.ts'
import { readConfig } from '../../../proxy/src/config.ts'
import type { ProxyConfig } from '../../../proxy/src/config.ts'
import type { Route } from '../../../proxy/src/contract.ts'
import { LIMITS } from '../../../proxy/src/http/limits.ts'
import type { Limits } from '../../../proxy/src/http/limits.ts'
import { createMemoryBudget } from '../../../proxy/src/http/memory.ts'
import type { ResolveAll } from '../../../proxy/src/http/outbound/lookup.ts'
import type { ClientCertificates } from '../../../proxy/src/http/outbound/upstreams.ts'
import { writeAndDetachChunk } from '../../../proxy/src/http/tunnel/chunk.ts'
import type { WriteChunk } from '../../../proxy/src/http/tunnel/chunk.ts'
import { METRICS } from '../../../proxy/src/metrics.ts'
import { createProxy, createUpstreams } from '../../../proxy/src/proxy.ts'
import { createLogger, createMetrics } from '../../../proxy/src/runtime/index.ts'
import type { KeyPairInUse } from '../../../proxy/src/runtime/index.ts'
import { captureStream } from '../capture.ts'
import { createFakeTokens } from './tokens.ts'
import type { FakeTokens } from './tokens.ts'
import type { KeyPair } from '../certificates.ts'

export interface TestProxyOptions {
  readonly routes?: readonly object[]
  /** Stands between each route and what reads it. */
  readonly watch?: (route: Route) => Route
  readonly settings?: Readonly<Record<string, string>>
  readonly limits?: Partial<Limits>
  /** Limit of the process's memory, in bytes. Default: none. */
  readonly memoryBytes?: number
  /** What is left of it. Default: enough. */
  readonly availableBytes?: () => number
  /** For a listener that speaks TLS. */
  readonly certificate?: KeyPair
  /** Stands in for partners whose route intercepts. */
  readonly authority?: PodAuthority
  /** Ports that partners' names lead to; each listens on a free one. */
  readonly steered?: readonly number[]
  /** PEM that partners are verified with. */
  readonly ca?: string
  /** By the directory that a route names. */
  readonly clientCertificates?: ClientCertificates
  /** Addresses by name; everything else does not resolve. Default: every name is this machine. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>
  /** How tunnels pass bytes on. Default: the product's. */
  readonly writeChunk?: WriteChunk
  /** Instead of `addresses`. */
  readonly resolve?: ResolveAll
  /** Of this machine, besides its loopback. Default: none. */
  readonly ownAddresses?: readonly string[]
  /** `user:password` for an egress proxy. */
  readonly egressCredentials?: () => string | undefined
}

export interface TestProxy {
  readonly port: number
  /** Where a steered port listens. */
  steered(port: number): number
  readonly tokens: FakeTokens
  installCertificate(pair: KeyPair): void
  /** Shows the certificate that has taken the place of the one in this directory. */
  renew(directory: string): void
  /** Everything logged so far. */
  log(): string
  metrics(): Promise<string>
  /** Connections of clients that are open. */
  connections(): Promise<number>
  drain(): Promise<void>
  close(): Promise<void>
}

/** The data port as the product composes it, on a free port; only tokens and name resolution are the test's. */
export async function startTestProxy(options: TestProxyOptions = {}): Promise<TestProxy> {
  const { limits = {}, certificate, ca, addresses } = options
  const config = configOf(options)
  const capture = captureStream()
  const metrics = createMetrics(METRICS)
  const tokens = createFakeTokens()
  const ownPorts: number[] = []
  const { ownAddresses = [] } = options
  const all = { ...LIMITS, lingerMs: 50, ...limits }
  const memory = createMemoryBudget(options.memoryBytes ?? 0, options.availableBytes)
  const upstreams = createUpstreams({
    config,
    anchors: { common: ca, byFile: new Map() },
    clientCertificates: options.clientCertificates ?? new Map<string, KeyPairInUse>(),
    limits: all,
    memory,
    resolve: options.resolve ?? resolver(addresses),
    ownPorts,
    ownAddresses,
    egressCredentials: options.egressCredentials,
  })
  const proxy = createProxy({
    config,
    upstreams,
    certificate: certificate && { ...certificate, notAfter: 0 },
    authority: options.authority,
    tokens,
    instruments: metrics.instruments,
    log: createLogger({ level: config.logLevel, format: 'json', stream: capture.stream }),
    limits: all,
    memory,
    writeChunk: options.writeChunk ?? writeAndDetachChunk,
    ownPorts,
    ownAddresses,
  })
  proxy.http.listen(0, '127.0.0.1')
  await once(proxy.http, 'listening')
  const { port } = proxy.http.address() as AddressInfo
  ownPorts.push(port)
  const sockets = new Set<Socket>()
  const steered = new Map<number, Server>()
  for (const named of options.steered ?? []) {
    const server = proxy.steer(named)
    server.on('connection', (socket) => sockets.add(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    steered.set(named, server)
    ownPorts.push((server.address() as AddressInfo).port)
  }
  return {
    port,
    steered: (named) => (steered.get(named)?.address() as AddressInfo).port,
    tokens,
    renew: (directory) => upstreams.renew(directory),
    installCertificate: (pair) => proxy.installCertificate({ ...pair, notAfter: 0 }),
    log: () => capture.text(),
    metrics: async () => (await metrics.render()).body,
    connections: () =>
      new Promise((resolve, reject) =>
        proxy.http.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    drain: () => proxy.drain(),
    close: async () => {
      proxy.http.closeAllConnections()
      await proxy.close()
      for (const socket of sockets) socket.destroy()
      for (const server of steered.values()) server.close()
      if (proxy.http.listening) {
        proxy.http.close()
        await once(proxy.http, 'close')
      }
    },
  }
}

function configOf({ routes, watch = (route: Route) => route, settings }: TestProxyOptions): ProxyConfig {
  const read = readConfig({
    ...(routes && { ROUTES: JSON.stringify(routes) }),
    ALLOW_LOCAL_UPSTREAMS: 'true',
    ...settings,
  })
  return { ...read, routes: read.routes.map(watch) }
}

function resolver(addresses: TestProxyOptions['addresses']): ResolveAll {
  return (host, _options, done) => {
    const found = addresses ? addresses[host] : ['127.0.0.1']
    if (found)
      done(
        null,
        found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    else done(Object.assign(new Error(`no address for ${host}`), { code: 'ENOTFOUND' }), [])
  }
}
