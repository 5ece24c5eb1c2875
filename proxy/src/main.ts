import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { rootCertificates } from 'node:tls'
import { readTrustAnchors } from './anchors.ts'
import { openAuthorityOf } from './authority.ts'
import type { PodAuthority } from './authority/authority.ts'
import { followClientCertificates, readClientCertificates } from './client-certificates.ts'
import { SETTINGS, STANDALONE_TABLE, readConfig } from './config.ts'
import type { ProxyConfig } from './config.ts'
import { ADMIN_PATHS, EXIT, VERSION, formatEgressProxy } from './contract.ts'
import { formatHelp, readFlags } from './flags.ts'
import { createDoctor } from './doctor/doctor.ts'
import { CREDENTIALS_POLL_MS, followEgressCredentials, openEgressCredentials } from './egress/credentials.ts'
import type { EgressCredentials } from './egress/credentials.ts'
import { controlRoutes } from './control.ts'
import { LIMITS } from './http/limits.ts'
import { createEgressAgents, getBy } from './http/outbound/egress-agents.ts'
import { createMemoryBudget } from './http/memory.ts'
import { createEndpointClient } from './http/outbound/token-endpoints.ts'
import type { TrustAnchors } from './http/outbound/upstreams.ts'
import { writeAndDetachChunk } from './http/tunnel/chunk.ts'
import { METRICS } from './metrics.ts'
import { createProxy, createUpstreams } from './proxy.ts'
import { sourcesOf, staticTokenRequests } from './routing/rules.ts'
import type { AdminRoutes, FollowedKeyPair } from './runtime/index.ts'
import {
  KEY_PAIR_POLL_MS,
  createAdminServer,
  createLogger,
  createMetrics,
  diskFiles,
  followKeyPair,
  formatAddress,
  listenAt,
  notReady,
  okReply,
  pageCacheBytes,
  readSmallFile,
  settingsOrExit,
  superviseProcess,
} from './runtime/index.ts'
import { readListenerCertificate } from './standalone/certificate.ts'
import { listenSteered } from './steering/listen.ts'
import { createNameServerLookup } from './steering/name-servers.ts'
import { createTokenEngine } from './tokens/engine.ts'
import { createTokenFiles, tokenFileRequests } from './tokens/files.ts'
import { createExchangeSource } from './tokens/exchanges/exchange.ts'
import { createTokenObserver } from './tokens/observer.ts'
import { sourceOf } from './tokens/sources.ts'
import { createAwsSource } from './tokens/sources/aws/mint.ts'
import { roleSessionName } from './tokens/sources/aws/role-session-name.ts'
import { createSts } from './tokens/sources/aws/sts.ts'
import { createKubernetesSource } from './tokens/sources/kubernetes.ts'
import { createSystemClock } from './tokens/time.ts'

const clock = createSystemClock()
const { config, anchors, certificate, clientCertificates, authority, egressCredentials } = await readSettingsOrExit()
const log = createLogger({ level: config.logLevel, format: config.logFormat, stream: process.stdout })
const metrics = createMetrics(METRICS, config.metricsEnabled)
const { instruments } = metrics
instruments.buildInfo.with({ version: VERSION }).set(1)
// SECURITY: of the whole process, AWS's SDK included; getaddrinfo reads /etc/hosts, which leads the names of partners back to this proxy.
if (config.steeredPorts.length > 0) dns.lookup = createNameServerLookup(readText) as typeof dns.lookup

const observer = createTokenObserver(instruments)
const { maxConnections } = config
const limits = { ...LIMITS, ...(maxConnections && { clientSockets: maxConnections, inFlight: maxConnections }) }
const memory = createMemoryBudget(
  maxConnections === undefined ? process.constrainedMemory() : 0,
  () =>
    // The pages of the program alone fill a limit, on a node where nothing else has read them.
    process.availableMemory() + pageCacheBytes(readText),
)
/** Filled once the ports are known; with port 0 that is after listening. */
const ownPorts: number[] = []
const ownAddresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
const upstreams = createUpstreams({
  config,
  anchors,
  clientCertificates,
  limits,
  memory,
  resolve: dns.lookup,
  ownPorts,
  ownAddresses,
  egressCredentials: () => egressCredentials.current,
})
const agents = config.egressProxy && createEgressAgents((host, port) => upstreams.egressTo(host, port))
const sts = createSts({
  environment: process.env,
  sessionName: config.roleSessionName ?? roleSessionName(config.podNamespace, config.podName),
  agents,
})
const subjects = {
  aws: createAwsSource({ sts, clock, log, onSession: observer.session, expectedRoleArn: config.expectedRoleArn }),
  kubernetes: createKubernetesSource({ readFile: readSmallFile, clock }),
}
const tokens = createTokenEngine({
  sources: {
    ...subjects,
    exchange: createExchangeSource({
      sourceOf: (spec) => sourceOf(subjects, spec),
      call: createEndpointClient({ upstreams, anchors: anchors.byFile, nowMs: () => clock.now().wallMs }),
      readFile: readSmallFile,
      clock,
      onStep: observer.exchanged,
    }),
  },
  clock,
  random: Math.random,
  log,
  observer,
  refreshSkewSeconds: config.tokenRefreshSkewSeconds,
  onNoCredentials: (failure) => {
    // The last line, which the kubelet makes the termination message.
    log.error('the service account of this pod has no AWS role', {
      namespace: config.podNamespace,
      pod: config.podName,
      hint: failure.row.hint,
    })
    process.exit(EXIT.noCredentials)
  },
})

const tokenFiles =
  config.tokenFiles.length === 0
    ? undefined
    : await settingsOrExit(process, () =>
        createTokenFiles({
          files: config.tokenFiles,
          directory: { where: SETTINGS.tokensDir.variable, path: config.tokensDir ?? '' },
          tokens,
          disk: diskFiles,
          clock,
          random: Math.random,
          log,
          instruments,
        }),
      )
/** A pod that only has token files sends no requests here. */
const servesRequests = config.routes.length > 0 || tokenFiles === undefined
const proxy = createProxy({
  config,
  upstreams,
  certificate: certificate?.pair,
  authority,
  tokens,
  instruments,
  log,
  limits,
  memory,
  writeChunk: writeAndDetachChunk,
  ownPorts,
  ownAddresses,
})
let isListening = false
let isDraining = false
const following = { read: readText, pollMs: KEY_PAIR_POLL_MS, now: () => clock.now().wallMs, log }
const stopFollowing = [
  followEgressCredentials(egressCredentials, { readFile: readSmallFile, pollMs: CREDENTIALS_POLL_MS, log }),
  ...(certificate ? [followKeyPair(certificate, { ...following, install: proxy.installCertificate })] : []),
  followClientCertificates(clientCertificates, {
    ...following,
    routes: config.routes,
    renew: (directory) => upstreams.renew(directory),
    instruments,
  }),
]

const adminRoutes: AdminRoutes = {
  [`GET ${ADMIN_PATHS.startup}`]: () => {
    if (!isListening) return notReady('not listening yet')
    const awaited = tokenFiles?.awaited() ?? []
    return awaited.length === 0 ? okReply : notReady(`waiting for the first token of ${awaited.join(', ')}`)
  },
  [`GET ${ADMIN_PATHS.livez}`]: () => okReply,
  [`GET ${ADMIN_PATHS.readyz}`]: () => {
    if (isDraining) return notReady('draining')
    return isListening && tokens.ready() ? okReply : notReady('waiting for the first token')
  },
  ...(config.metricsEnabled && {
    [`GET ${config.metricsPath}`]: async () => ({ status: 200, ...(await metrics.render()) }),
  }),
}
const admin = createAdminServer(adminRoutes)
const requests = [...tokenFileRequests(config.tokenFiles), ...staticTokenRequests(config.routes, config.upstreamScheme)]
const doctor = createDoctor({
  environment: process.env,
  routes: config.routes,
  requests,
  expectedRoleArn: config.expectedRoleArn,
  aws: sts,
  tokens,
  clock,
  connection: proxy.connection,
  get: agents && getBy(agents),
  clientCertificates,
  egress: config.egressProxy && {
    url: formatEgressProxy(config.egressProxy),
    reach: () => upstreams.reachEgress(),
  },
  interception: authority && { authority, read: readText, proxy: () => addresses.proxy ?? config.listenAddr, clock },
  tokenFiles,
  use: { calls: proxy.calls, startedMs: clock.now().monotonicMs, clock },
})
const control = createAdminServer(controlRoutes(log, doctor))

superviseProcess({ process, log, drain, shutdownTimeoutMs: config.shutdownTimeoutSeconds * 1000 })
// The startup probe waits for the data port, and the application needs the steered ones as well.
const steered = await settingsOrExit(process, () => listenSteered(config.steeredPorts, proxy.steer))
const { listenAddr, adminListenAddr, metricsListenAddr, controlListenAddr } = SETTINGS
const adminSetting = config.isStandalone ? metricsListenAddr : adminListenAddr
const addresses = await settingsOrExit(process, async () => ({
  proxy: servesRequests ? await listenAt(listenAddr.variable, proxy.http, config.listenAddr) : undefined,
  admin: await listenAt(adminSetting.variable, admin, config.adminListenAddr),
  control: await listenAt(controlListenAddr.variable, control, config.controlListenAddr),
}))
ownPorts.push(...[...steered, ...Object.values(addresses)].flatMap((address) => address?.port ?? []))
isListening = true
log.info('listening', {
  proxy: addresses.proxy && formatAddress(addresses.proxy),
  admin: formatAddress(addresses.admin),
  control: formatAddress(addresses.control),
  ...(steered.length > 0 && { steered: steered.map(formatAddress).join(' ') }),
  version: VERSION,
})
if (authority) logAuthority(authority)
for (const { message, hint } of config.warnings) log.warn(message, { hint })
// Without anything to mint for, credentials are looked for all the same: a sidecar without a role is told from one that waits.
tokens.prefetch(requests, config.routes.length === 0 && servesRequests ? ['aws'] : sourcesOf(config.routes))
tokenFiles?.begin()

async function drain(): Promise<void> {
  isDraining = true
  proxy.startDraining()
  await delay(config.drainDelaySeconds * 1000)
  await proxy.drain()
  await proxy.close()
  tokenFiles?.close()
  tokens.close()
  for (const stop of stopFollowing) stop()
  for (const server of [admin, control]) server.close()
}

interface Settled {
  readonly config: ProxyConfig
  readonly anchors: TrustAnchors
  readonly certificate: FollowedKeyPair | undefined
  readonly clientCertificates: ReadonlyMap<string, FollowedKeyPair>
  readonly authority: PodAuthority | undefined
  readonly egressCredentials: EgressCredentials
}

function logAuthority({ describe }: PodAuthority): void {
  const { fingerprint256, origin } = describe()
  const detail = { origin, fingerprint256 }
  if (origin === 'remade')
    log.warn('another certificate authority', { ...detail, hint: 'Restart applications that were started before.' })
  else log.info('certificate authority', detail)
}

function readSettingsOrExit(): Promise<Settled> {
  const flags = readFlags(SETTINGS, process.argv.slice(2))
  if (flags.wants !== undefined) {
    process.stdout.write(flags.wants === 'help' ? formatHelp(SETTINGS, STANDALONE_TABLE) : `${VERSION}\n`)
    process.exit(EXIT.drained)
  }
  return settingsOrExit(process, async () => {
    const config = readConfig(process.env, flags)
    return {
      config,
      anchors: readTrustAnchors(config, readText),
      certificate: readListenerCertificate(config, readText),
      clientCertificates: readClientCertificates(config, readText),
      authority: await openAuthorityOf(config, clock, () => rootCertificates),
      egressCredentials: await openEgressCredentials(config.egressCredentialsFile, readSmallFile),
    }
  })
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}
