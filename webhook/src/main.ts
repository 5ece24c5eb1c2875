import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { ADMIN_PATHS, EXIT, VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  SettingsError,
  createAdminServer,
  createLogger,
  createMetrics,
  formatAddress,
  listen,
  notReady,
  okReply,
  superviseProcess,
} from '@aws-outbound-jwt-injector/proxy/runtime'
import { createReviewHandler } from './admission/handler.ts'
import { createLoad } from './admission/load.ts'
import { createAdmissionServer, installCertificate } from './admission/server.ts'
import { startCertificates } from './certificates/modes.ts'
import { createCertificateSource } from './certificates/source.ts'
import { readConfig } from './config.ts'
import { createInjector } from './injection/decide.ts'
import { METRICS } from './metrics.ts'

/**
 * An API server sends at most a few hundred at once. Floods of the costliest bodies that are parsed, and of those that are refused first,
 * held 208 MiB at most in a memory cgroup of the chart's limit, 384Mi.
 */
const LOAD_LIMITS = { requests: 512, bytes: 24 * 1024 * 1024 }

const config = settingsOrExit(() => readConfig(process.env))
const log = createLogger({ level: config.logLevel, format: config.logFormat, stream: process.stdout })
const metrics = createMetrics(METRICS)
const { instruments } = metrics
let isListening = false
let isDraining = false

const server = createAdmissionServer({
  handle: createReviewHandler({
    inject: createInjector(config.injection),
    instruments,
    log,
    now: () => performance.now(),
  }),
  load: createLoad(LOAD_LIMITS),
  instruments,
  log,
  isDraining: () => isDraining,
})
const source = createCertificateSource({ install: (pair) => installCertificate(server, pair), log, instruments })
const certificates = settingsOrExit(() =>
  startCertificates(config, {
    source,
    clock: { now: Date.now, elapsed: () => performance.now() },
    random: Math.random,
    read: (path) => readFileSync(path, 'utf8'),
    log,
    instruments,
  }),
)
const admin = createAdminServer({
  [`GET ${ADMIN_PATHS.livez}`]: () => okReply,
  [`GET ${ADMIN_PATHS.readyz}`]: () => {
    const trouble = isDraining ? 'draining' : isListening ? certificates.trouble() : 'not listening yet'
    return trouble === undefined ? okReply : notReady(trouble)
  },
  [`GET ${ADMIN_PATHS.metrics}`]: async () => {
    const left = ((source.current?.notAfter ?? Date.now()) - Date.now()) / 1000
    instruments.certificateExpiry.with({}).set(left)
    return { status: 200, ...(await metrics.render()) }
  },
})

superviseProcess({ process, log, drain, shutdownTimeoutMs: config.shutdownTimeoutSeconds * 1000 })
const addresses = {
  webhook: formatAddress(await listen(server, config.listenAddr)),
  admin: formatAddress(await listen(admin, config.adminListenAddr)),
}
isListening = true
log.info('listening', { ...addresses, version: VERSION, certificateMode: config.certificateMode })

/** Not ready, but still accepting while Services and API servers learn of it; then no connection is left in use. */
async function drain(): Promise<void> {
  isDraining = true
  await delay(config.shutdownDelaySeconds * 1000)
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
  certificates.stop()
  admin.close()
}

function settingsOrExit<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT.settings)
  }
}
