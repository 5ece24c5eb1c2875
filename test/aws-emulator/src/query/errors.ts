/**
 * Wire codes of STS and IAM with their HTTP status, and the message of an injected error that has none of its own.
 * Source: captured answers of AWS (2026-09-11) and https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
 */
const WIRE = {
  AccessDenied: [403, 'User is not authorized to perform this action'],
  ExpiredToken: [403, 'The security token included in the request is expired'],
  ExpiredTokenException: [400, 'Token expired: the web identity token is past its expiry'],
  FeatureDisabled: [404, 'Outbound web identity federation is not enabled.'],
  FeatureEnabled: [409, 'Outbound web identity federation is already enabled.'],
  IDPCommunicationError: [400, 'Error communicating with Identity Provider'],
  IncompleteSignature: [400, 'The request signature does not conform to AWS standards.'],
  InternalFailure: [500, 'An internal error occurred.'],
  InvalidAction: [400, 'The action or operation requested is invalid.'],
  InvalidClientTokenId: [403, 'The security token included in the request is invalid'],
  InvalidIdentityToken: [400, 'The web identity token that was passed could not be validated'],
  InvalidParameterValue: [400, 'An invalid or out-of-range value was supplied for the input parameter.'],
  JWTPayloadSizeExceededException: [400, 'The JWT payload exceeds the maximum size.'],
  MalformedInput: [400, 'The request is malformed.'],
  MissingAuthenticationToken: [403, 'Request is missing Authentication Token'],
  OutboundWebIdentityFederationDisabledException: [403, 'OutboundWebIdentityFederation is disabled.'],
  RegionDisabledException: [403, 'STS is not activated in this region for this account.'],
  RequestExpired: [403, 'Request has expired.'],
  ServiceUnavailable: [503, 'The request has failed due to a temporary failure of the server.'],
  SessionDurationEscalationException: [
    403,
    "Requested token expiry time must be before the original session's expiry time.",
  ],
  SignatureDoesNotMatch: [403, 'The request signature we calculated does not match the signature you provided.'],
  Throttling: [400, 'Rate exceeded'],
  ValidationError: [400, 'The input fails to satisfy the constraints specified by an AWS service.'],
} as const

export type ErrorCode = keyof typeof WIRE

/** @returns status and message of a wire code; 400 and the code itself for one that is not in the table. */
export const wireError = (code: string): readonly [status: number, message: string] =>
  Object.hasOwn(WIRE, code) ? WIRE[code as ErrorCode] : [400, code]

/** An error as the service would answer it. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode

  /** @param message default: that of the table. */
  constructor(code: ErrorCode, message: string = WIRE[code][1]) {
    super(message)
    this.code = code
  }

  get status(): number {
    return WIRE[this.code][0]
  }
}

/** @throws ServiceError for a parameter of a wrong shape, in AWS's words. */
export function validationError(member: string, value: string, constraint: string): never {
  throw new ServiceError(
    'ValidationError',
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${constraint}`,
  )
}
