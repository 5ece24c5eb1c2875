import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { SettingsError } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookMetrics } from '../metrics.ts'
import type { CertificateFiles } from './files.ts'
import { readCertificateFiles } from './files.ts'
import type { CertificateMode } from './modes.ts'
import { createProblemReporter } from './problems.ts'
import type { CertificateSource } from './source.ts'

export interface MountedDeps {
  readonly files: CertificateFiles
  readonly read: (path: string) => string
  readonly source: CertificateSource
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly pollMs: number
  readonly log: Logger
  readonly instruments: Metrics<WebhookMetrics>['instruments']
}

/**
 * Starts modes `secret` and `cert-manager`: serves mounted files and follows their changes. Reading them again is the one way that
 * works for every kind of mount. A pair that cannot be used leaves the last good one in use.
 * @throws SettingsError when there is no good pair to begin with.
 */
export function startMounted({ files, read, source, now, pollMs, log, instruments }: MountedDeps): CertificateMode {
  const problems = createProblemReporter({ log, instruments })
  const isExpired = (): boolean => now() >= (source.current?.notAfter ?? 0)
  const judge = (): void => {
    if (isExpired()) problems.report('files-expired', `${files.certFile} has expired`)
    else problems.recovered()
  }
  const look = (): void => {
    try {
      source.serve(readCertificateFiles(files, read))
      judge()
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error
      problems.report('files-unreadable', error.message)
    }
  }
  // Nobody here looks at caBundle: a series that says 0 would be an alert.
  instruments.certificateTrusted.remove({})
  instruments.watchConnected.remove({})
  source.serve(readCertificateFiles(files, read))
  judge()
  const timer = setInterval(look, pollMs)
  return {
    trouble: () => (isExpired() ? `the certificate in ${files.certFile} has expired` : undefined),
    stop: () => clearInterval(timer),
  }
}
