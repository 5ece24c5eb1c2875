import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookMetrics } from '../metrics.ts'

/** What keeps a replica from having a certificate that the API server trusts. The code is a metric label and a field of the log line. */
export const CERTIFICATE_PROBLEMS = {
  'secret-foreign': 'The Secret with the name of ours has entries and does not carry our label; it is left alone.',
  'secret-broken': 'Entries of the Secret were no certificate with its key; they were replaced.',
  'configuration-missing': 'The MutatingWebhookConfiguration does not exist, or has no entry.',
  forbidden: 'The service account lacks a right; the message names verb, resource and name.',
  unauthorized: 'The API server does not accept the token of the service account.',
  rejected: 'The API server refused a request of ours.',
  unavailable: 'The API server does not answer, or answers with an error of its own.',
  'files-unreadable': 'The certificate files cannot be used; the last good pair is still served.',
  'files-expired': 'The certificate in the files has expired.',
} as const

export type CertificateProblemCode = keyof typeof CERTIFICATE_PROBLEMS

export class CertificateProblem extends Error {
  override readonly name = 'CertificateProblem'
  readonly code: CertificateProblemCode

  constructor(code: CertificateProblemCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface ProblemReporter {
  /** Counts it, and logs it unless it is the last one again: a state is one line, however often it is met. */
  report(code: CertificateProblemCode, message: string): void
  /** Says so when there was one. */
  recovered(): void
}

export interface ProblemReporterDeps {
  readonly log: Logger
  readonly instruments: Pick<Metrics<WebhookMetrics>['instruments'], 'certificateProblems'>
}

export function createProblemReporter({ log, instruments }: ProblemReporterDeps): ProblemReporter {
  let last: string | undefined
  return {
    report: (code, message) => {
      instruments.certificateProblems.with({ problem: code }).add()
      const line = `${code} ${message}`
      if (line !== last)
        log.error('certificate problem', { problem: code, error: message, meaning: CERTIFICATE_PROBLEMS[code] })
      last = line
    },
    recovered: () => {
      if (last !== undefined) log.info('certificate problem is over')
      last = undefined
    },
  }
}
