import type { Decision, InjectionRequest, Injector } from '../injection/decide.ts'
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

const NOT_A_POD: Decision = { kind: 'allow', reason: 'not-created', warnings: [] }

/** Creates the handler: review → decision → review. */
export function createReviewHandler({ inject, observers, now }: HandlerDeps): ReviewHandler {
  return (body, mode) => {
    const started = now()
    const review = parseReview(body)
    const { object: pod, operation, namespace, isPod } = review
    const decision = isPod ? inject({ pod, mode, operation, namespace }) : NOT_A_POD
    const seconds = (now() - started) / 1000
    for (const observer of observers) observer.decided(review, decision, seconds)
    return answerReview(review.uid, decision)
  }
}
