const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export const ISSUED_AT = Date.UTC(2026, 0, 1) / 1000
export const ROLE = 'arn:aws:iam::123456789012:role/team/orders'

/** Claims as AWS makes them, for an audience and a life of 900 s unless told otherwise. */
export function claimsOfAws(claims: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    iss: 'https://issuer.example',
    sub: ROLE,
    aud: 'https://api.partner.example',
    iat: ISSUED_AT,
    exp: ISSUED_AT + 900,
    jti: 'a-token-id',
    ...claims,
  }
}

/** A compact JWT whose signature nobody checks. A payload given as text is taken as it is. */
export function unsignedJwt(
  payload: unknown = claimsOfAws(),
  header: unknown = { alg: 'RS256', kid: 'RSA_0' },
): string {
  return [part(header), part(payload), part('signature')].join('.')
}
