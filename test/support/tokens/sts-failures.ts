// How STS fails, row by row. Source of codes, statuses and messages: answers captured from AWS.
import type { FailureReason } from '../../../proxy/src/tokens/failures.ts'
import { ROLE, claimsOfAws, unsignedJwt } from './jwt.ts'
import { ok, refuse, token } from './sts-server.ts'
import type { StsAnswer } from './sts-server.ts'

/** What STS does, what we call it, the status the application gets, and what its hint must name. */
export type Row = readonly [answer: StsAnswer, reason: FailureReason, status: number, hint: RegExp]

const DENIED = 'User: arn:aws:sts::123456789012:assumed-role/orders/shop.orders is not authorized to perform: '
const html: StsAnswer = (response) => response.end('<html><body><p>Proxy login</body></html>')
const nowSeconds = (): number => Math.floor(Date.now() / 1000)
/** A token as AWS would mint it now, signed by nobody. */
export const jwt = (claims: object = {}, algorithm = 'RS256'): string =>
  unsignedJwt(claimsOfAws({ iat: nowSeconds(), exp: nowSeconds() + 900, ...claims }), { alg: algorithm })
/** For another audience than anybody asks for. */
export const FOREIGN_TOKEN = jwt({ aud: 'elsewhere' })

/** While the token is asked for. */
export const TOKEN_ROWS = rows({
  'federation is disabled': [
    refuse(403, 'OutboundWebIdentityFederationDisabledException', 'OutboundWebIdentityFederation is disabled.'),
    'federation_disabled',
    502,
    /aws iam enable-outbound-web-identity-federation/,
  ],
  'the session is too short': [
    refuse(
      403,
      'SessionDurationEscalationException',
      "Requested token expiry time must be before the original session's",
    ),
    'session_too_short',
    503,
    /outbound-jwt\.io\/duration/,
  ],
  'the claims are too large': [refuse(400, 'JWTPayloadSizeExceededException'), 'payload_too_large', 502, /tags/],
  'the identity policy does not allow it': [
    refuse(403, 'AccessDenied', `${DENIED}sts:GetWebIdentityToken on resource: arn:aws:sts::123456789012:self`),
    'access_denied',
    502,
    /sts:GetWebIdentityToken.*sts:IdentityTokenAudience.*sts:DurationSeconds.*sts:SigningAlgorithm/,
  ],
  'the policy does not allow tags': [
    refuse(403, 'AccessDenied', `${DENIED}sts:TagGetWebIdentityToken`),
    'tags_denied',
    502,
    /sts:TagGetWebIdentityToken.*outbound-jwt\.io\/tags/,
  ],
  'a policy denies it': [
    refuse(403, 'AccessDenied', `${DENIED}sts:GetWebIdentityToken with an explicit deny in a session policy`),
    'explicitly_denied',
    502,
    /Deny on sts:GetWebIdentityToken/,
  ],
  'the credentials are of GetFederationToken': [
    refuse(403, 'AccessDenied', 'GetWebIdentityToken does not support federated user sessions'),
    'federated_user',
    502,
    /credentials of a role/,
  ],
  'the endpoint is the global one': [
    refuse(400, 'InvalidAction', 'Operation not supported on STS global endpoint'),
    'global_endpoint',
    502,
    /outbound-jwt\.io\/region/,
  ],
  'a parameter is not valid': [
    refuse(400, 'ValidationError', 'Requested SigningAlgorithm is not supported.'),
    'invalid_request',
    502,
    /audience, duration, signing-algorithm and tags/,
  ],
  'tags collide': [refuse(400, 'InvalidParameterValue'), 'invalid_request', 502, /tag keys/],
  'the credentials have expired': [refuse(403, 'ExpiredToken'), 'credentials_refused', 503, /clock/],
  'the credentials are unknown': [refuse(403, 'InvalidClientTokenId'), 'credentials_refused', 503, /role still exists/],
  'the signature does not match': [refuse(403, 'SignatureDoesNotMatch'), 'credentials_refused', 503, /clock/],
  'the region is disabled': [refuse(403, 'RegionDisabledException'), 'region_disabled', 502, /Activate STS/],
  'it is throttled with 400': [refuse(400, 'Throttling', 'Rate exceeded'), 'throttled', 503, /retries by itself/],
  'it is throttled with 429': [refuse(429, 'TooManyRequestsException'), 'throttled', 503, /retries by itself/],
  'STS has an internal failure': [refuse(500, 'InternalFailure'), 'sts_unavailable', 503, /Health Dashboard/],
  'STS is not available': [refuse(503, 'ServiceUnavailable'), 'sts_unavailable', 503, /Health Dashboard/],
  'a gateway answers 502 in HTML': [
    (response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html><p>bad gateway</html>'),
    'sts_unavailable',
    503,
    /Health Dashboard/,
  ],
  'a login page answers 200': [html, 'unusable_answer', 503, /proxies, VPC endpoints/],
  'a firewall answers 403 in words': [
    (response) => response.writeHead(403).end('blocked by policy'),
    'unusable_answer',
    503,
    /proxies, VPC endpoints/,
  ],
  'it redirects': [
    (response) => response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end(),
    'unusable_answer',
    503,
    /proxies/,
  ],
  'the XML stops in the middle': [ok('<GetWebIdentityTokenResponse><GetWebId'), 'unusable_answer', 503, /proxies/],
  'the answer is JSON': [ok(JSON.stringify({ WebIdentityToken: FOREIGN_TOKEN })), 'unusable_answer', 503, /proxies/],
  'the answer is empty': [ok(''), 'unusable_answer', 503, /proxies/],
  'the result is empty': [token('', new Date()), 'unusable_answer', 503, /proxies/],
  'the token has two parts': [token('eyJhbGciOiJSUzI1NiJ9.e30'), 'unusable_answer', 503, /proxies/],
  'the token is signed with an unknown algorithm': [
    (response, call) => token(jwt({ aud: call.subject }, 'none'))(response, call),
    'unusable_answer',
    503,
    /proxies/,
  ],
  'the token is for somebody else': [token(FOREIGN_TOKEN), 'unusable_answer', 503, /proxies/],
  'the token had expired on arrival': [
    (response, call) => token(jwt({ aud: call.subject, iat: 1, exp: 901 }))(response, call),
    'unusable_answer',
    503,
    /proxies/,
  ],
  'the token is of another role': [
    (response, call) => token(jwt({ aud: call.subject, sub: `${ROLE}-of-another` }))(response, call),
    'subject_mismatch',
    502,
    /EXPECTED_ROLE_ARN/,
  ],
  'it never answers': [() => undefined, 'sts_timeout', 504, /sts\.<region>\.amazonaws\.com:443/],
  'the body stops': [(response) => response.write('<GetWebIdentityTokenResponse>'), 'sts_timeout', 504, /reaches/],
  'the body drips': [drip, 'sts_timeout', 504, /reaches/],
  'the connection is reset': [
    (response) => response.socket?.resetAndDestroy(),
    'sts_unreachable',
    503,
    /network policy/,
  ],
  'the connection ends within the body': [
    (response) => {
      response.writeHead(200, { 'content-length': 1_000 }).write('<GetWebIdentityTokenResponse>')
      setTimeout(() => response.socket?.destroy(), 20)
    },
    'sts_unreachable',
    503,
    /network policy/,
  ],
})

/** While the session is made. */
export const SESSION_ROWS = rows({
  'the service account may not assume the role': [
    refuse(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity'),
    'role_not_assumable',
    502,
    /trust policy.*sts:AssumeRoleWithWebIdentity/,
  ],
  'no OIDC provider is registered': [
    refuse(400, 'InvalidIdentityToken', 'No OpenIDConnect provider found in your account for https://issuer.example'),
    'identity_token_refused',
    503,
    /OIDC provider/,
  ],
  'the service account token has expired': [
    refuse(400, 'ExpiredTokenException', 'Token expired'),
    'identity_token_expired',
    503,
    /kubelet/,
  ],
  'the issuer cannot be reached': [refuse(400, 'IDPCommunicationError'), 'issuer_unreachable', 503, /issuer/],
  'a claim is rejected': [refuse(403, 'IDPRejectedClaim'), 'identity_token_refused', 503, /OIDC provider/],
  'the role ARN is not valid': [
    refuse(400, 'ValidationError', 'Request ARN is invalid'),
    'role_not_assumable',
    502,
    /trust/,
  ],
  'the region is disabled': [refuse(403, 'RegionDisabledException'), 'region_disabled', 502, /Activate STS/],
  'it is throttled': [refuse(400, 'Throttling'), 'throttled', 503, /retries by itself/],
  'STS fails': [refuse(500, 'InternalFailure'), 'sts_unavailable', 503, /Health/],
  'a login page answers': [html, 'unusable_answer', 503, /proxies/],
  'the answer is empty': [ok(''), 'unusable_answer', 503, /proxies/],
  'it never answers': [() => undefined, 'sts_timeout', 504, /reaches/],
  'the connection is reset': [
    (response) => response.socket?.resetAndDestroy(),
    'sts_unreachable',
    503,
    /network policy/,
  ],
})

/** What goes wrong once; the SDK has to notice in time to ask again within the same attempt. */
export const ONCE = answers({
  'an answer that never comes': () => undefined,
  'a body that stops': (response) => response.write('<GetWebIdentityTokenResponse>'),
  'a reset': (response) => response.socket?.resetAndDestroy(),
  'an internal failure': refuse(500, 'InternalFailure'),
})

function rows(table: Readonly<Record<string, Row>>): Readonly<Record<string, Row>> {
  return table
}

function answers(table: Readonly<Record<string, StsAnswer>>): Readonly<Record<string, StsAnswer>> {
  return table
}

/** One byte now and then: never idle, never done. */
function drip(...[response]: Parameters<StsAnswer>): void {
  const timer = setInterval(() => response.write(' '), 500)
  response.on('close', () => clearInterval(timer))
}
