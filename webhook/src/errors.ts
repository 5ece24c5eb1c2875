/** Why an AdmissionReview got no decision. Status codes other than 200 make the API server apply failurePolicy. */
export const REVIEW_ERRORS = {
  'not-json': { status: 400, meaning: 'The body is not JSON.' },
  'not-a-review': {
    status: 400,
    meaning: 'The body is not an AdmissionReview of admission.k8s.io/v1 with a request and its uid.',
  },
  'too-large': { status: 413, meaning: 'The body is larger than 8 MB.' },
  unreadable: { status: 400, meaning: 'The body ended early or is compressed.' },
  deadline: { status: 408, meaning: 'The request did not arrive whole before the API server gives up.' },
  overloaded: { status: 429, meaning: 'More is in flight than the webhook admits; failurePolicy decides.' },
  internal: { status: 500, meaning: 'A defect of the webhook.' },
} as const

export type ReviewErrorCode = keyof typeof REVIEW_ERRORS

export class ReviewError extends Error {
  override readonly name = 'ReviewError'
  readonly code: ReviewErrorCode

  constructor(code: ReviewErrorCode, cause?: unknown) {
    super(REVIEW_ERRORS[code].meaning, { cause })
    this.code = code
  }

  get status(): number {
    return REVIEW_ERRORS[this.code].status
  }
}
