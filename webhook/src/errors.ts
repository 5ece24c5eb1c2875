const STRANGER = 'Find out who calls this port; an API server sends no such thing.'

/** Why an AdmissionReview got no decision. Status codes other than 200 make the API server apply failurePolicy. */
export const REVIEW_ERRORS = {
  'unsupported-media-type': {
    status: 415,
    meaning: 'The Content-Type is not application/json.',
    hint: STRANGER,
  },
  'not-json': { status: 400, meaning: 'The body is not JSON.', hint: STRANGER },
  'not-a-review': {
    status: 400,
    meaning:
      'The body is not an AdmissionReview of admission.k8s.io/v1 with a request and its uid, of at most 128 characters, or a CREATE without an object.',
    hint: STRANGER,
  },
  'too-large': {
    status: 413,
    meaning: 'The body is larger than 8 MB, or holds more than 200,000 values.',
    hint: 'Find out who sends it: no pod that an API server could store is as large.',
  },
  unreadable: {
    status: 400,
    meaning: 'The body ended early, is compressed, or is in another character set than UTF-8.',
    hint: 'Check the network between the API server and the webhook, and who else calls this port.',
  },
  deadline: {
    status: 408,
    meaning: 'The request did not arrive whole before the API server gives up.',
    hint: 'Check the network between the API server and the webhook.',
  },
  'too-slow': {
    status: 408,
    meaning: 'The body arrives more slowly than 16 KiB a second.',
    hint: 'Check the network between the API server and the webhook, and who else calls this port.',
  },
  overloaded: {
    status: 429,
    meaning: 'Bodies of more than 24 MiB are arriving, and this one is the largest of them; failurePolicy decides.',
    hint: 'Find out who sends so much; else raise replicaCount of the chart.',
  },
  internal: { status: 500, meaning: 'A defect of the webhook.', hint: 'Please report it with the log line.' },
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
