import type { Account } from '../account/account.ts'
import type { TokenProblem } from '../clusters/verify.ts'
import { verifyServiceAccountToken } from '../clusters/verify.ts'
import type { Fault } from '../faults/fault.ts'
import { evaluate } from '../iam/evaluate.ts'
import type { Role } from '../iam/role.ts'
import type { ErrorCode } from '../query/errors.ts'
import { ServiceError, validationError } from '../query/errors.ts'
import type { XmlValue } from '../query/xml.ts'
import { sessionEnd, wholeSeconds } from './sessions.ts'

const STS_AUDIENCE = 'sts.amazonaws.com'
const ACTION = 'sts:AssumeRoleWithWebIdentity'

/** What AWS answers to a token that it cannot accept. */
const REFUSALS: Readonly<Record<TokenProblem, readonly [ErrorCode, string]>> = {
  malformed: [
    'InvalidIdentityToken',
    'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
  ],
  'unknown-issuer': ['InvalidIdentityToken', 'No OpenIDConnect provider found in your account for'],
  'unreachable-issuer': [
    'IDPCommunicationError',
    'Error communicating with Identity Provider: connection refused or timed out',
  ],
  expired: ['ExpiredTokenException', 'Token expired: the web identity token is past its expiry'],
  audience: ['InvalidIdentityToken', 'Incorrect token audience'],
  signature: [
    'InvalidIdentityToken',
    "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
  ],
}

/**
 * AssumeRoleWithWebIdentity: unsigned; the projected token is the proof.
 * @throws ServiceError as AWS answers.
 */
export async function assumeRoleWithWebIdentity(
  parameters: URLSearchParams,
  account: Account,
  fault?: Fault,
): Promise<XmlValue> {
  const { roleArn, name, token, durationSeconds } = parseRequest(parameters)
  const { clusters, state, roles, sessions, arns } = account
  const verification = await verifyServiceAccountToken(token, STS_AUDIENCE, { clusters, now: state.now })
  if (!verification.ok) {
    const [code, message] = REFUSALS[verification.problem]
    throw new ServiceError(
      code,
      verification.problem === 'unknown-issuer' ? `${message} ${verification.issuer}` : message,
    )
  }
  const { claims, issuer } = verification
  const { sub = '' } = claims
  const provider = arns.oidcProvider(issuer)
  const role = roles.find(roleArn)
  if (!role || !trusts(role, { provider, issuer, sub, name }))
    throw new ServiceError('AccessDenied', `Not authorized to perform ${ACTION}`)
  const seconds = fault?.kind === 'lifetime' ? fault.seconds : sessionSeconds(durationSeconds, role, account)
  const expiresAt = sessionEnd(state.now(), seconds)
  const session = sessions.start({ roleArn, name, provider, expiresAt, tags: {} })
  return {
    SubjectFromWebIdentityToken: sub,
    Audience: STS_AUDIENCE,
    Provider: provider,
    AssumedRoleUser: { Arn: arns.assumedRole(roleArn, name), AssumedRoleId: `AROAEMULATED:${name}` },
    Credentials: {
      AccessKeyId: session.accessKeyId,
      SecretAccessKey: session.secretAccessKey,
      SessionToken: session.sessionToken,
      Expiration: wholeSeconds(expiresAt),
    },
  }
}

interface AssumeRoleRequest {
  readonly roleArn: string
  readonly name: string
  readonly token: string
  readonly durationSeconds: number | undefined
}

function parseRequest(parameters: URLSearchParams): AssumeRoleRequest {
  const roleArn = parameters.get('RoleArn') ?? ''
  const name = parameters.get('RoleSessionName') ?? ''
  const token = parameters.get('WebIdentityToken') ?? ''
  const duration = parameters.get('DurationSeconds')
  if (roleArn.length < 20) validationError('roleArn', roleArn, 'Member must have length greater than or equal to 20')
  if (!/^[\w+=,.@-]{2,64}$/.test(name))
    validationError(
      'roleSessionName',
      name,
      'Member must satisfy regular expression pattern: [\\w+=,.@-]*, length 2 to 64',
    )
  if (token.length < 4 || token.length > 20_000)
    validationError('webIdentityToken', '***', 'Member must have length between 4 and 20000')
  if (duration === null) return { roleArn, name, token, durationSeconds: undefined }
  const durationSeconds = Number(duration)
  if (!(durationSeconds >= 900))
    validationError('durationSeconds', duration, 'Member must have value greater than or equal to 900')
  if (!(durationSeconds <= 43_200))
    validationError('durationSeconds', duration, 'Member must have value less than or equal to 43200')
  return { roleArn, name, token, durationSeconds }
}

function sessionSeconds(asked: number | undefined, { maxSessionSeconds = 3600 }: Role, { state }: Account): number {
  if (asked === undefined) return state.get().sessionSeconds
  if (asked > maxSessionSeconds)
    throw new ServiceError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  return asked
}

interface Bearer {
  readonly provider: string
  readonly issuer: string
  readonly sub: string
  readonly name: string
}

function trusts({ arn, trust }: Role, { provider, issuer, sub, name }: Bearer): boolean {
  if (!trust) return true
  const prefix = issuer.replace(/^https?:\/\//, '')
  const context = {
    [`${prefix}:sub`]: [sub],
    [`${prefix}:aud`]: [STS_AUDIENCE],
    'sts:RoleSessionName': [name],
  }
  const principal = ['Federated', provider] as const
  return evaluate(trust, { action: ACTION, resource: arn, principal, context }) === 'allow'
}
