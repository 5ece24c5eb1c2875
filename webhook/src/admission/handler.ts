import type { InjectionRequest, Injector } from '../injection/decide.ts'
import type { AdmissionObserver } from './observers.ts'
import { answerReview, parseReview } from './review.ts'

export interface HandlerDeps {
  readonly inject: Injector
  readonly observers: readonly AdmissionObserver[]
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Answers the body of one AdmissionReview. @throws ReviewError for one that cannot be answered. */
export type ReviewHandler = (body: string, mode: InjectionRequest['mode']) => object

/** Creates the handler: review → decision → review. */
export function createReviewHandler({ inject, observers, now }: HandlerDeps): ReviewHandler {
  return (body, mode) => {
    const started = now()
    const review = parseReview(body)
    const decision = inject({ pod: review.object, mode, operation: review.operation })
    const seconds = (now() - started) / 1000
    for (const observer of observers) observer.decided(review, decision, seconds)
    return answerReview(review.uid, decision)
  }
}
