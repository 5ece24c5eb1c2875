import type { Decision, InjectionRequest, Injector } from '../injection/decide.ts'
import type { WorkloadWarner } from '../injection/workload/warnings.ts'
import type { AdmissionObserver } from './observers.ts'
import type { AdmissionRequest } from './review.ts'
import { answerReview, parseReview } from './review.ts'

/** What both handlers need. */
interface HandlerDeps {
  readonly observers: readonly AdmissionObserver[]
  /** Monotonic milliseconds. */
  readonly now: () => number
}

/** Answers the body of one AdmissionReview. @throws ReviewError for one that cannot be answered. */
export type ReviewHandler = (body: string, mode: InjectionRequest['mode']) => object

const NOT_A_POD: Decision = { kind: 'allow', reason: 'not-created', warnings: [] }

/** Creates the handler of pods: review → decision → review. */
export function createReviewHandler({ inject, ...deps }: HandlerDeps & { readonly inject: Injector }): ReviewHandler {
  return createHandler(deps, ({ object: pod, operation, namespace, isPod }, mode) =>
    isPod ? inject({ pod, mode, operation, namespace }) : NOT_A_POD,
  )
}

/** Creates the handler of what makes pods: every answer lets it through as it is, at most with warnings. */
export function createWorkloadHandler({
  warn,
  ...deps
}: HandlerDeps & { readonly warn: WorkloadWarner }): ReviewHandler {
  return createHandler(deps, ({ object: workload, namespace }, mode) => ({
    kind: 'allow',
    reason: 'workload',
    warnings: warn({ workload, mode, namespace }),
  }))
}

function createHandler(
  { observers, now }: HandlerDeps,
  decide: (review: AdmissionRequest, mode: InjectionRequest['mode']) => Decision,
): ReviewHandler {
  return (body, mode) => {
    const started = now()
    const review = parseReview(body)
    const decision = decide(review, mode)
    const seconds = (now() - started) / 1000
    for (const observer of observers) observer.decided(review, decision, seconds)
    return answerReview(review.uid, decision)
  }
}
