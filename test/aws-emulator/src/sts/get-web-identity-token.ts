import { randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import type { Fault } from '../faults/fault.ts'
import type { OutboundIssuer } from '../issuer.ts'
import type { MintingPolicy } from '../options.ts'
import { StsError } from './errors.ts'
import type { Session } from './sessions.ts'
import type { WebIdentityRequest } from './web-identity-request.ts'
import { parseWebIdentityRequest } from './web-identity-request.ts'
import type { XmlValue } from './xml.ts'

export interface GetWebIdentityTokenDeps {
  readonly accountId: string
  readonly region: string
  readonly issuer: OutboundIssuer
  readonly federationEnabled: () => boolean
  readonly now: () => number
}

/** Largest claims document that AWS signs, in bytes. */
const LARGEST_PAYLOAD = 14_984

/**
 * GetWebIdentityToken, evaluated in AWS's order: shape, meaning, permission, session length, feature, size.
 * @throws StsError as AWS answers.
 */
export async function getWebIdentityToken(
  parameters: URLSearchParams,
  session: Session,
  deps: GetWebIdentityTokenDeps,
  fault?: Fault,
): Promise<XmlValue> {
  const request = parseWebIdentityRequest(parameters)
  authorize(request, session, deps.accountId)
  const now = deps.now()
  if (now + request.durationSeconds * 1000 >= session.expiresAt)
    throw new StsError(
      'SessionDurationEscalationException',
      "Requested token expiry time must be before the original session's expiry time.",
    )
  if (!deps.federationEnabled())
    throw new StsError('OutboundWebIdentityFederationDisabledException', 'OutboundWebIdentityFederation is disabled.')
  const claims = claimsOf(request, session, deps)
  if (Buffer.byteLength(JSON.stringify(claims)) > LARGEST_PAYLOAD)
    throw new StsError('JWTPayloadSizeExceededException', 'The JWT payload exceeds the maximum size.')
  const seconds = fault?.kind === 'lifetime' ? fault.seconds : request.durationSeconds
  return {
    WebIdentityToken: await mint(
      request.algorithm,
      { ...claims, exp: (claims.iat ?? 0) + seconds },
      deps.issuer,
      fault,
    ),
    Expiration: new Date(now + seconds * 1000).toISOString(),
  }
}

function mint(algorithm: string, claims: JWTPayload, issuer: OutboundIssuer, fault?: Fault): Promise<string> {
  switch (fault?.kind) {
    case 'token':
      return Promise.resolve(fault.token)
    case 'claims':
      return issuer.sign(algorithm, { ...claims, ...fault.claims })
    case 'stale-key':
      return issuer.signWithUnpublishedKey(algorithm, claims)
    default:
      return issuer.sign(algorithm, claims)
  }
}

function claimsOf(request: WebIdentityRequest, session: Session, deps: GetWebIdentityTokenDeps): JWTPayload {
  const { audiences, durationSeconds, tags } = request
  const iat = Math.floor(deps.now() / 1000)
  return {
    iss: deps.issuer.issuer,
    sub: session.role.arn,
    aud: audiences.length === 1 ? (audiences[0] ?? '') : [...audiences],
    iat,
    exp: iat + durationSeconds,
    jti: randomUUID(),
    'https://sts.amazonaws.com/': {
      aws_account: deps.accountId,
      source_region: deps.region,
      principal_id: session.role.arn,
      original_session_exp: new Date(session.expiresAt).toISOString().replace('.000Z', 'Z'),
      federated_provider: session.provider,
      ...(Object.keys(tags).length > 0 && { request_tags: tags }),
    },
  }
}

function authorize(request: WebIdentityRequest, { role, name }: Session, accountId: string): void {
  const policy: MintingPolicy = role.policy ?? {}
  const deny = (action: string): never => {
    const user = `arn:aws:sts::${accountId}:assumed-role/${role.arn.split('/').at(-1) ?? ''}/${name}`
    throw new StsError(
      'AccessDenied',
      `User: ${user} is not authorized to perform: ${action} on resource: arn:aws:sts::${accountId}:self because no identity-based policy allows the ${action} action`,
    )
  }
  const allowed =
    policy.mint !== false &&
    request.audiences.every((audience) => policy.audiences?.includes(audience) ?? true) &&
    request.durationSeconds <= (policy.maximumDurationSeconds ?? Infinity) &&
    (policy.algorithms?.includes(request.algorithm) ?? true)
  if (!allowed) deny('sts:GetWebIdentityToken')
  if (Object.keys(request.tags).length > 0 && policy.tag === false) deny('sts:TagGetWebIdentityToken')
}
