import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo, Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { ADMIN_PATHS, EXIT, VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import type { ListenAddress } from '@aws-outbound-jwt-injector/proxy/runtime'
import {
  SettingsError,
  createAdminServer,
  createLogger,
  createMetrics,
  formatAddress,
  notReady,
  okReply,
  superviseProcess,
} from '@aws-outbound-jwt-injector/proxy/runtime'
import { createReviewHandler } from './admission/handler.ts'
import { createAdmissionServer } from './admission/server.ts'
import { readCertificateFiles } from './certificates/files.ts'
import { readConfig } from './config.ts'
import { createInjector } from './injection/decide.ts'
import { METRICS } from './metrics.ts'

const { config, certificate } = readSettingsOrExit()
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
  instruments,
  log,
  certificate,
  isDraining: () => isDraining,
})
const admin = createAdminServer({
  [`GET ${ADMIN_PATHS.livez}`]: () => okReply,
  [`GET ${ADMIN_PATHS.readyz}`]: () =>
    isListening && !isDraining ? okReply : notReady(isDraining ? 'draining' : 'not listening yet'),
  [`GET ${ADMIN_PATHS.metrics}`]: async () => ({ status: 200, ...(await metrics.render()) }),
})

superviseProcess({ process, log, drain, shutdownTimeoutMs: config.shutdownTimeoutSeconds * 1000 })
const addresses = {
  webhook: await listen(server, config.listenAddr),
  admin: await listen(admin, config.adminListenAddr),
}
isListening = true
log.info('listening', {
  ...addresses,
  version: VERSION,
  certificateExpires: new Date(certificate.expiresAt).toISOString(),
})

/** Not ready, but still accepting while Services and API servers learn of it; then no connection is left in use. */
async function drain(): Promise<void> {
  isDraining = true
  await delay(config.shutdownDelaySeconds * 1000)
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  await closed
  admin.close()
}

async function listen(listener: Server, { host, port }: ListenAddress): Promise<string> {
  listener.listen(port, host)
  await once(listener, 'listening')
  const { address, port: actual } = listener.address() as AddressInfo
  return formatAddress({ host: address, port: actual })
}

function readSettingsOrExit(): {
  config: ReturnType<typeof readConfig>
  certificate: ReturnType<typeof readCertificateFiles>
} {
  try {
    const config = readConfig(process.env)
    return { config, certificate: readCertificateFiles(config, (path) => readFileSync(path, 'utf8')) }
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(EXIT.settings)
  }
}
