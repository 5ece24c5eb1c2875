import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { InjectionRequest, Injector } from '../injection/decide.ts'
import { REASONS } from '../injection/reasons.ts'
import type { WebhookMetrics } from '../metrics.ts'
import { answerReview, parseReview, refusalMessage } from './review.ts'
import { podLabel } from './pod-label.ts'

export interface HandlerDeps {
  readonly inject: Injector
  readonly instruments: Metrics<WebhookMetrics>['instruments']
  readonly log: Logger
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Answers the body of one AdmissionReview. @throws ReviewError for one that cannot be answered. */
export type ReviewHandler = (body: string, mode: InjectionRequest['mode']) => object

/** Creates the handler: review → decision → review, with one log line and one metric. SECURITY: the pod itself is never logged. */
export function createReviewHandler({ inject, instruments, log, now }: HandlerDeps): ReviewHandler {
  return (body, mode) => {
    const started = now()
    const { uid, namespace, operation, object } = parseReview(body)
    const decision = inject({ pod: object, mode, operation })
    const { kind, reason } = decision
    instruments.decisions.with({ decision: kind, reason }).add()
    instruments.duration.with({ decision: kind }).add((now() - started) / 1000)
    const fields = { uid, namespace, pod: podLabel(object), decision: kind, reason }
    if (decision.kind === 'deny') log.warn('refused', { ...fields, problems: refusalMessage(decision) })
    else log.info(kind === 'allow' ? 'left alone' : 'patched', { ...fields, why: REASONS[reason] })
    return answerReview(uid, decision)
  }
}
