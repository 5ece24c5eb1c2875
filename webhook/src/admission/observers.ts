import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { describeError } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { ReviewError } from '../errors.ts'
import type { Decision } from '../injection/decide.ts'
import { REASONS } from '../injection/outcome.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { podDisplayName } from './pod-display-name.ts'
import type { AdmissionRequest } from './review.ts'
import { refusalMessage } from './review.ts'

/** Told what became of each review. */
export interface AdmissionObserver {
  /** @param seconds from the body of the review to the decision. */
  decided(review: AdmissionRequest, decision: Decision, seconds: number): void
  /** There was no decision. */
  failed(failure: ReviewError): void
}

/** Counts decisions and failures. */
export function createMetricsObserver(instruments: Metrics<WebhookMetrics>['instruments']): AdmissionObserver {
  return {
    decided: (_review, { kind, reason }, seconds) => {
      instruments.decisions.with({ decision: kind, reason }).add()
      instruments.duration.with({ decision: kind }).add(seconds)
    },
    failed: ({ code }) => instruments.errors.with({ code }).add(),
  }
}

/** Writes one line per review. SECURITY: the pod itself is never logged. */
export function createLogObserver(log: Logger): AdmissionObserver {
  return {
    decided: ({ uid, namespace, object }, decision) => {
      const { kind, reason } = decision
      const fields = { uid, namespace, pod: podDisplayName(object), decision: kind, reason }
      if (decision.kind === 'deny') log.warn('refused', { ...fields, problems: refusalMessage(decision) })
      // The API server asks again after other webhooks, and the pods of a workload have lines of their own.
      else if (reason === 'unchanged' || reason === 'workload')
        log.debug('left alone', { ...fields, why: REASONS[reason] })
      else log.info(kind === 'allow' ? 'left alone' : 'patched', { ...fields, why: REASONS[reason] })
    },
    failed: (failure) =>
      log.error('review not answered', { code: failure.code, error: describeError(failure.cause ?? failure) }),
  }
}
