import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { VERSION } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  createLogger,
  createMetrics,
  formatAddress,
  installCertificate,
  listenAt,
  settingsOrExit,
  superviseProcess,
} from '@aws-outbound-jwt-injector/proxy/runtime'
import { createReviewHandler, createWorkloadHandler } from './admission/handler.ts'
import { createLoad } from './admission/load.ts'
import { createLogObserver, createMetricsObserver } from './admission/observers.ts'
import { createReviewEndpoint } from './admission/review-endpoint.ts'
import { startCertificates } from './certificates/modes.ts'
import { createServing } from './certificates/serving.ts'
import { SETTINGS, readConfig } from './config.ts'
import { createRoutes } from './http/routes.ts'
import { createServers } from './http/servers.ts'
import { createInjector } from './injection/decide.ts'
import { createWorkloadWarner } from './injection/workload/warnings.ts'
import { METRICS } from './metrics.ts'
import { startPolicyFile } from './policy-file.ts'

/**
 * Floods of the costliest bodies that are parsed, and of those that are refused first, held 208 MiB at most in a memory cgroup of the
 * chart's limit, 384Mi.
 */
const MOST_BODY_BYTES = 24 * 1024 * 1024
/** The kubelet takes a minute to bring a change of a ConfigMap; this is little on top. */
const POLICY_POLL_MS = 5000

const config = await settingsOrExit(process, () => readConfig(process.env))
const log = createLogger({ level: config.logLevel, format: config.logFormat, stream: process.stdout })
const metrics = createMetrics(METRICS)
const { instruments } = metrics
instruments.buildInfo.with({ version: VERSION }).set(1)
const read = (path: string): string => readFileSync(path, 'utf8')
const policy = await settingsOrExit(process, () =>
  startPolicyFile({ path: config.policyFile, read, pollMs: POLICY_POLL_MS, log, instruments }),
)
let isListening = false
let isDraining = false

const observers = [createMetricsObserver(instruments), createLogObserver(log)]
const now = (): number => performance.now()
const inject = createInjector(config.injection, () => policy?.current())
const endpoint = {
  load: createLoad(MOST_BODY_BYTES),
  inFlight: instruments.inFlight,
  observers,
  timeoutMs: config.timeoutSeconds * 1000,
  isDraining: () => isDraining,
}
const { admission, admin } = createServers(
  createRoutes({
    review: createReviewEndpoint({ ...endpoint, handle: createReviewHandler({ inject, observers, now }) }),
    warn: createReviewEndpoint({
      ...endpoint,
      handle: createWorkloadHandler({ warn: createWorkloadWarner(inject), observers, now }),
    }),
    notReadyReason: () => {
      if (isDraining) return 'draining'
      return isListening ? certificates.notReadyReason() : 'not listening yet'
    },
    renderMetrics: () => {
      const left = ((serving.current?.notAfter ?? Date.now()) - Date.now()) / 1000
      instruments.certificateExpiry.with({}).set(left)
      return metrics.render()
    },
  }),
  config.clientCa !== undefined,
)
const serving = createServing({
  install: (pair) => installCertificate(admission, pair, config.clientCa),
  log,
  instruments,
})
const certificates = await settingsOrExit(process, () =>
  startCertificates(config, {
    serving,
    clock: { now: Date.now, elapsed: now },
    random: Math.random,
    read,
    log,
    instruments,
  }),
)
superviseProcess({ process, log, drain, shutdownTimeoutMs: config.shutdownTimeoutSeconds * 1000 })
const { listenAddr, adminListenAddr } = SETTINGS
const addresses = await settingsOrExit(process, async () => ({
  webhook: formatAddress(await listenAt(listenAddr.variable, admission, config.listenAddr)),
  admin: formatAddress(await listenAt(adminListenAddr.variable, admin, config.adminListenAddr)),
}))
isListening = true
log.info('listening', { ...addresses, version: VERSION, certificateMode: config.certificateMode })

/** Not ready, but still accepting while Services and API servers learn of it; then no connection is left in use. */
async function drain(): Promise<void> {
  isDraining = true
  await delay(config.shutdownDelaySeconds * 1000)
  const closed = once(admission, 'close')
  admission.close()
  admission.closeIdleConnections()
  await closed
  certificates.stop()
  policy?.stop()
  admin.close()
}
