/**
 * Wire codes of STS and IAM with their HTTP status.
 * Source: captured answers of AWS (2026-09-11) and https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
 */
const STATUS = {
  AccessDenied: 403,
  ExpiredToken: 403,
  ExpiredTokenException: 400,
  FeatureDisabled: 404,
  FeatureEnabled: 409,
  IDPCommunicationError: 400,
  IncompleteSignature: 400,
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

export type ErrorCode = keyof typeof STATUS

/** @returns the HTTP status of a wire code; 400 for one that is not in the table. */
export const statusOf = (code: string): number => (Object.hasOwn(STATUS, code) ? STATUS[code as ErrorCode] : 400)

/** An error as the service would answer it. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    return statusOf(this.code)
  }
}

/** @throws ServiceError for a parameter of a wrong shape, in AWS's words. */
export function validationError(member: string, value: string, constraint: string): never {
  throw new ServiceError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
