/**
 * Wire codes of STS with their HTTP status.
 * Source: captured answers of AWS (2026-09-11) and https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
 */
const STATUS = {
  AccessDenied: 403,
  ExpiredToken: 403,
  ExpiredTokenException: 400,
  IDPCommunicationError: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidIdentityToken: 400,
  InvalidParameterValue: 400,
  JWTPayloadSizeExceededException: 400,
  MalformedInput: 400,
  MissingAuthenticationToken: 403,
  OutboundWebIdentityFederationDisabledException: 403,
  RegionDisabledException: 403,
  RequestExpired: 403,
  ServiceUnavailable: 503,
  SessionDurationEscalationException: 403,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  ValidationError: 400,
} as const

export type StsErrorCode = keyof typeof STATUS

/** @returns the HTTP status of a wire code; 400 for one that is not in the table. */
export const statusOf = (code: string): number => (Object.hasOwn(STATUS, code) ? STATUS[code as StsErrorCode] : 400)

/** An error as STS would answer it. */
export class StsError extends Error {
  override readonly name = 'StsError'
  readonly code: StsErrorCode

  constructor(code: StsErrorCode, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    return statusOf(this.code)
  }
}
