import type { KeyPair, Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookMetrics } from '../metrics.ts'

/** What the server serves, whichever mode it comes from. */
export interface Serving {
  readonly current: KeyPair | undefined
  /** Takes another certificate into use for new connections; those that are open go on. The same one again changes nothing. */
  serve(certificate: KeyPair): void
}

/** A way to have a certificate, running. */
export interface CertificateMode {
  /** @returns why the served certificate cannot be relied on; undefined when it can. */
  notReadyReason(): string | undefined
  stop(): void
}

export interface ServingDeps {
  /** Hands the pair to the server. */
  readonly install: (pair: { readonly cert: string; readonly key: string }) => void
  readonly log: Logger
  readonly instruments: Pick<Metrics<WebhookMetrics>['instruments'], 'certificateChanges'>
}

export function createServing({ install, log, instruments }: ServingDeps): Serving {
  let current: KeyPair | undefined
  return {
    get current() {
      return current
    },
    serve: (certificate) => {
      if (current?.cert === certificate.cert && current.key === certificate.key) return
      const { cert, key, notAfter } = certificate
      install({ cert, key })
      current = certificate
      instruments.certificateChanges.with({ change: 'served' }).add()
      log.info('certificate in use', { expires: new Date(notAfter).toISOString() })
    },
  }
}
