import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookMetrics } from '../metrics.ts'

/** A certificate and its key as PEM, as `node:tls` takes them. */
export interface ServingCertificate {
  readonly cert: string
  readonly key: string
  /** Wall clock, milliseconds. */
  readonly notAfter: number
}

/** What the server serves, whichever mode it comes from. */
export interface CertificateSource {
  readonly current: ServingCertificate | undefined
  /** Takes another certificate into use for new connections; those that are open go on. The same one again changes nothing. */
  serve(certificate: ServingCertificate): void
}

export interface CertificateSourceDeps {
  /** Hands the pair to the server. */
  readonly install: (pair: { readonly cert: string; readonly key: string }) => void
  readonly log: Logger
  readonly instruments: Pick<Metrics<WebhookMetrics>['instruments'], 'certificateChanges'>
}

export function createCertificateSource({ install, log, instruments }: CertificateSourceDeps): CertificateSource {
  let current: ServingCertificate | undefined
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
