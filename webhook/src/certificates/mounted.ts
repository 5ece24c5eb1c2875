import type { KeyPair, KeyPairFiles, Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { pollKeyPair, readKeyPair } from '@aws-outbound-jwt-injector/proxy/runtime'
import { SETTINGS } from '../config.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { createProblemReporter } from './problems.ts'
import type { CertificateMode, Serving } from './serving.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** @returns the files with the settings that name them. */
export const mountedFiles = ({ certFile, keyFile }: CertificateFiles): KeyPairFiles => ({
  cert: { where: SETTINGS.certFile.variable, path: certFile },
  key: { where: SETTINGS.keyFile.variable, path: keyFile },
})

export interface MountedDeps {
  readonly files: CertificateFiles
  readonly read: (path: string) => string
  readonly serving: Serving
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly pollMs: number
  readonly log: Logger
  readonly instruments: Metrics<WebhookMetrics>['instruments']
}

/**
 * Starts modes `secret` and `cert-manager`: serves mounted files and follows their changes. A pair that cannot be used leaves the last good one in use.
 * @throws SettingsError when there is no good pair to begin with.
 */
export function startMounted({ files, read, serving, now, pollMs, log, instruments }: MountedDeps): CertificateMode {
  const problems = createProblemReporter({ log, instruments })
  const isExpired = (): boolean => now() >= (serving.current?.notAfter ?? 0)
  const judge = (): void => {
    if (isExpired()) problems.report('files-expired', `${files.certFile} has expired`)
    else problems.recovered()
  }
  // Nobody here looks at caBundle: a series that says 0 would be an alert.
  instruments.certificateTrusted.remove({})
  instruments.watchConnected.remove({})
  const named = mountedFiles(files)
  const onPair = (pair: KeyPair): void => {
    serving.serve(pair)
    judge()
  }
  onPair(readKeyPair(named, read))
  const stop = pollKeyPair(named, {
    read,
    pollMs,
    onPair,
    onProblem: ({ message }) => problems.report('files-unreadable', message),
  })
  return {
    notReadyReason: () => (isExpired() ? `the certificate in ${files.certFile} has expired` : undefined),
    stop,
  }
}
