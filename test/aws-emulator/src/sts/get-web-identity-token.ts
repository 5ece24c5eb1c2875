import type { JWTPayload } from 'jose'
import type { Account } from '../account/account.ts'
import type { OutboundIssuer } from '../account/issuer.ts'
import type { Fault } from '../faults/fault.ts'
import { authorize } from '../iam/authorize.ts'
import { ServiceError } from '../query/errors.ts'
import type { Caller } from '../query/signature.ts'
import type { XmlValue } from '../query/xml.ts'
import { claimsOf, mergeTags } from './claims.ts'
import type { WebIdentityRequest } from './web-identity-request.ts'
import { parseWebIdentityRequest } from './web-identity-request.ts'

/** Largest claims document that AWS signs, in bytes. */
const LARGEST_PAYLOAD = 14_984

/**
 * GetWebIdentityToken, evaluated in AWS's order: shape, meaning, permission, session length, feature, size.
 * @throws ServiceError as AWS answers.
 */
export async function getWebIdentityToken(
  parameters: URLSearchParams,
  caller: Caller,
  account: Account,
  fault?: Fault,
): Promise<XmlValue> {
  const { state, issuer } = account
  const request = parseWebIdentityRequest(parameters)
  authorizeRequest(request, caller, account)
  const now = state.now()
  if (now + request.durationSeconds * 1000 >= caller.session.expiresAt)
    throw new ServiceError('SessionDurationEscalationException')
  requireFederation(account)
  const seconds = fault?.kind === 'lifetime' ? fault.seconds : request.durationSeconds
  const claims = claimsOf({ ...request, durationSeconds: seconds }, caller, account)
  if (Buffer.byteLength(JSON.stringify(claims)) > LARGEST_PAYLOAD)
    throw new ServiceError('JWTPayloadSizeExceededException')
  return {
    WebIdentityToken: await mint(request.algorithm, claims, issuer, fault),
    Expiration: new Date(now + seconds * 1000).toISOString(),
  }
}

function requireFederation({ state }: Account): void {
  const federation = state.federation.seenBySts()
  if (federation === 'failing') throw new ServiceError('InternalFailure')
  if (federation === 'disabled') throw new ServiceError('OutboundWebIdentityFederationDisabledException')
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

function authorizeRequest(request: WebIdentityRequest, caller: Caller, { arns, region }: Account): void {
  const { role, session } = caller
  const tagKeys = Object.keys(request.tags)
  const prefixed = (prefix: string, tags: Readonly<Record<string, string>>): Record<string, readonly string[]> =>
    Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, [value]]))
  const context = {
    'sts:IdentityTokenAudience': request.audiences,
    // Visible to policies even when the request leaves it out.
    'sts:DurationSeconds': [String(request.durationSeconds)],
    'sts:SigningAlgorithm': [request.algorithm],
    'aws:PrincipalArn': [role.arn],
    'aws:RequestedRegion': [region],
    ...prefixed('aws:PrincipalTag', mergeTags(role.tags, session.tags)),
    ...prefixed('aws:RequestTag', request.tags),
    ...(tagKeys.length > 0 && { 'aws:TagKeys': tagKeys }),
  }
  const actions = ['sts:GetWebIdentityToken', ...(tagKeys.length > 0 ? ['sts:TagGetWebIdentityToken'] : [])]
  for (const action of actions) authorize({ action, resource: arns.self, context }, { role, name: session.name }, arns)
}
