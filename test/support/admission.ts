import { once } from 'node:events'
import type { Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createLogger, createMetrics, installCertificate } from '../../proxy/src/runtime/index.ts'
import type { ReviewHandler } from '../../webhook/src/admission/handler.ts'
import { createLoad } from '../../webhook/src/admission/load.ts'
import { createLogObserver, createMetricsObserver } from '../../webhook/src/admission/observers.ts'
import { createReviewEndpoint } from '../../webhook/src/admission/review-endpoint.ts'
import { createRoutes } from '../../webhook/src/http/routes.ts'
import { createServers } from '../../webhook/src/http/servers.ts'
import { METRICS } from '../../webhook/src/metrics.ts'
import { captureStream } from './capture.ts'
import type { KeyPair } from './certificates.ts'

/** The admission port of the webhook, in this process. */
export interface RunningAdmission {
  readonly server: Server
  readonly port: number
  /** The lines so far. */
  log(): string
  /** The scrape. */
  metrics(): Promise<string>
  close(): Promise<void>
}

export interface AdmissionOptions {
  readonly handle: ReviewHandler
  readonly certificate: KeyPair
  /** Of all bodies together. */
  readonly mostBytes?: number
  /** PEM; absent: no client needs a certificate. */
  readonly clientCa?: string
  readonly isDraining?: boolean
}

export async function startAdmission(options: AdmissionOptions): Promise<RunningAdmission> {
  const { handle, certificate, mostBytes = 64 * 1024 * 1024, clientCa, isDraining = false } = options
  const log = captureStream()
  const { instruments, render } = createMetrics(METRICS)
  const logger = createLogger({ level: 'info', format: 'json', stream: log.stream })
  const endpoint = createReviewEndpoint({
    handle,
    load: createLoad(mostBytes),
    inFlight: instruments.inFlight,
    observers: [createMetricsObserver(instruments), createLogObserver(logger)],
    timeoutMs: 5_000,
    isDraining: () => isDraining,
  })
  const { admission: server } = createServers(
    createRoutes({
      review: endpoint,
      warn: endpoint,
      notReadyReason: () => undefined,
      renderMetrics: render,
    }),
    clientCa !== undefined,
  )
  installCertificate(server, certificate, clientCa)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    server,
    port: (server.address() as AddressInfo).port,
    log: log.text,
    metrics: async () => (await render()).body,
    close: async () => {
      server.closeAllConnections()
      await server[Symbol.asyncDispose]()
    },
  }
}
