import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { WebhookMetrics } from '../metrics.ts'

/**
 * What keeps a replica from having a certificate that the API server trusts. The code is a metric label and a field of the log line;
 * docs/errors-webhook.md is made from this table.
 */
export const CERTIFICATE_PROBLEMS = {
  'secret-foreign': {
    meaning:
      'A Secret of the name that the webhook uses has entries and not the label of the webhook; it is left alone.',
    hint: 'Delete it if nobody needs it; the webhook makes its own.',
  },
  'secret-broken': {
    meaning: 'Entries of the Secret were no certificate with its key; they were replaced.',
    hint: 'Nothing to do; somebody edited the Secret.',
  },
  'configuration-missing': {
    meaning: 'The MutatingWebhookConfiguration does not exist, or has no entry.',
    hint: 'Run helm upgrade, or apply install.yaml again.',
  },
  forbidden: {
    meaning: 'The service account lacks a right; the message names verb, resource and name.',
    hint: 'Apply the Role and the ClusterRole of the chart again.',
  },
  unauthorized: {
    meaning: 'The API server does not accept the token of the service account.',
    hint: 'Check that the service account exists, then restart the pod.',
  },
  rejected: {
    meaning: 'The API server refused a request of the webhook.',
    hint: 'The message says why; most often another admission webhook or policy.',
  },
  unavailable: {
    meaning: 'The API server does not answer, or answers with an error of its own.',
    hint: 'Allow egress from the webhook to the API server; with a NetworkPolicy of the chart, see networkPolicy.apiServerPorts.',
  },
  'files-unreadable': {
    meaning: 'The certificate files cannot be used; the last good pair is still served.',
    hint: 'Put a certificate and its key, as PEM, into the mounted Secret.',
  },
  'files-expired': {
    meaning: 'The certificate in the files has expired.',
    hint: 'Renew the mounted Secret; with cert-manager, kubectl describe certificate says what keeps it from doing so.',
  },
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
        log.error('certificate problem', { problem: code, error: message, ...CERTIFICATE_PROBLEMS[code] })
      last = line
    },
    recovered: () => {
      if (last !== undefined) log.info('certificate problem is over')
      last = undefined
    },
  }
}
