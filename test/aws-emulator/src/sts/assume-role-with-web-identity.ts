import { createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import type { JWTPayload } from 'jose'
import type { Fault } from '../faults/fault.ts'
import type { ClusterOptions, RoleOptions } from '../options.ts'
import { StsError } from './errors.ts'
import type { Sessions } from './sessions.ts'
import type { XmlValue } from './xml.ts'

export interface AssumeRoleDeps {
  readonly accountId: string
  readonly roles: readonly RoleOptions[]
  readonly clusters: readonly ClusterOptions[]
  readonly sessions: Sessions
  readonly sessionSeconds: number
  readonly now: () => number
}

const STS_AUDIENCE = 'sts.amazonaws.com'
/** AWS accepts a token this long after its expiry. */
const TOLERANCE_SECONDS = 300

/**
 * AssumeRoleWithWebIdentity: unsigned; the projected token is the proof.
 * @throws StsError as AWS answers.
 */
export async function assumeRoleWithWebIdentity(
  parameters: URLSearchParams,
  deps: AssumeRoleDeps,
  fault?: Fault,
): Promise<XmlValue> {
  const roleArn = parameters.get('RoleArn') ?? ''
  const name = parameters.get('RoleSessionName') ?? ''
  const token = parameters.get('WebIdentityToken') ?? ''
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    throw new StsError(
      'ValidationError',
      `1 validation error detected: Value '${name}' at 'roleSessionName' failed to satisfy constraint`,
    )
  const { sub = '', iss = '' } = await verifyToken(token, deps)
  const role = deps.roles.find(({ arn }) => arn === roleArn)
  if (!role || !(role.subjects ?? ['*']).some((pattern) => matches(pattern, sub)))
    throw new StsError('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity')
  const provider = `arn:aws:iam::${deps.accountId}:oidc-provider/${iss.replace(/^https?:\/\//, '')}`
  const expiresAt = sessionEnd(deps, fault)
  const session = deps.sessions.start({ role, name, provider, expiresAt })
  return {
    SubjectFromWebIdentityToken: sub,
    Audience: STS_AUDIENCE,
    Provider: provider,
    AssumedRoleUser: {
      Arn: `arn:aws:sts::${deps.accountId}:assumed-role/${roleArn.split('/').at(-1) ?? ''}/${name}`,
      AssumedRoleId: `AROAEMULATED:${name}`,
    },
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.sessionToken,
      Expiration: new Date(expiresAt).toISOString().replace('.000Z', 'Z'),
    },
  }
}

function sessionEnd({ now, sessionSeconds }: AssumeRoleDeps, fault?: Fault): number {
  const seconds = fault?.kind === 'lifetime' ? fault.seconds : sessionSeconds
  return (Math.floor(now() / 1000) + seconds) * 1000
}

async function verifyToken(token: string, { clusters, now }: AssumeRoleDeps): Promise<JWTPayload> {
  const issuer = issuerOf(token)
  const cluster = clusters.find((candidate) => candidate.issuer === issuer)
  if (!cluster)
    throw new StsError('InvalidIdentityToken', `No OpenIDConnect provider found in your account for ${issuer}`)
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(await cluster.jwks()), {
      issuer,
      audience: STS_AUDIENCE,
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(now()),
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      throw new StsError('ExpiredTokenException', 'Token expired: the web identity token is past its expiry')
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'aud')
      throw new StsError('InvalidIdentityToken', 'Incorrect token audience')
    throw new StsError(
      'InvalidIdentityToken',
      "Couldn't retrieve verification key from your identity provider, or the signature is invalid",
    )
  }
}

function issuerOf(token: string): string {
  try {
    return decodeJwt(token).iss ?? 'no issuer'
  } catch {
    throw new StsError('InvalidIdentityToken', 'The ID Token provided is not a valid JWT')
  }
}

function matches(pattern: string, text: string): boolean {
  const expression = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  return new RegExp(`^${expression}$`).test(text)
}
