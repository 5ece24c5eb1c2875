/** Wire codes of STS with their HTTP status. Source: captured answers of AWS (facts of 2026-09-11). */
const STATUS = {
  AccessDenied: 403,
  ExpiredToken: 403,
  ExpiredTokenException: 400,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidIdentityToken: 400,
  InvalidParameterValue: 400,
  JWTPayloadSizeExceededException: 400,
  MissingAuthenticationToken: 403,
  OutboundWebIdentityFederationDisabledException: 403,
  SessionDurationEscalationException: 403,
  SignatureDoesNotMatch: 403,
  ValidationError: 400,
} as const

export type StsErrorCode = keyof typeof STATUS

/** An error as STS would answer it. */
export class StsError extends Error {
  override readonly name = 'StsError'
  readonly code: StsErrorCode

  constructor(code: StsErrorCode, message: string) {
    super(message)
    this.code = code
  }

  get status(): number {
    return STATUS[this.code]
  }
}
