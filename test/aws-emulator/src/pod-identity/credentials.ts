import { randomUUID } from 'node:crypto'
import type { Account } from '../account/account.ts'
import type { TokenProblem } from '../clusters/verify.ts'
import { verifyServiceAccountToken } from '../clusters/verify.ts'
import type { Fault } from '../faults/fault.ts'
import type { Reply } from '../http/reply.ts'
import { json } from '../http/reply.ts'
import { evaluate } from '../iam/evaluate.ts'
import type { Role } from '../iam/role.ts'
import type { Answer } from '../query/answer.ts'
import { sessionEnd, wholeSeconds } from '../sts/sessions.ts'
import type { PodIdentityAssociations } from './associations.ts'
import type { PodReference } from './pod.ts'
import { podOf, sessionTags } from './pod.ts'

const AUDIENCE = 'pods.eks.amazonaws.com'
const SESSION_SECONDS = 6 * 3600

/** What EKS Auth answers to a token that it cannot accept; the agent passes status and code on as text. */
const REFUSALS: Readonly<Record<TokenProblem | 'no-pod', readonly [code: string, message: string]>> = {
  malformed: ['InvalidTokenException', 'The token is not a valid JWT'],
  'no-pod': ['InvalidTokenException', 'The token is not bound to a pod'],
  'unknown-issuer': ['InvalidTokenException', 'The token was not issued by the cluster'],
  'unreachable-issuer': ['InternalServerException', 'The keys of the cluster cannot be read'],
  expired: ['ExpiredTokenException', 'The token has expired'],
  audience: ['InvalidTokenException', `The audience of the token is not ${AUDIENCE}`],
  signature: ['InvalidTokenException', 'The signature of the token is not valid'],
}

/** Source: error shapes of the EKS Auth API. */
const STATUS: Readonly<Record<string, number>> = { InternalServerException: 500, ResourceNotFoundException: 404 }

/**
 * The Pod Identity agent's endpoint: the pod's token for the credentials of its association's role.
 * Source: https://github.com/aws/eks-pod-identity-agent, pkg/handlers and pkg/errors.
 */
export async function podIdentityCredentials(
  token: string,
  account: Account,
  associations: PodIdentityAssociations,
  fault?: Fault,
): Promise<Answer> {
  if (token === '') return { reply: text(400, 'Service account token cannot be empty'), outcome: 'InvalidRequest' }
  const { clusters, state, roles } = account
  const verification = await verifyServiceAccountToken(token, AUDIENCE, { clusters, now: state.now })
  if (!verification.ok) return refuse(...REFUSALS[verification.problem])
  const pod = podOf(verification.claims)
  if (!pod) return refuse(...REFUSALS['no-pod'])
  const association = associations
    .list()
    .find(({ namespace, serviceAccount }) => namespace === pod.namespace && serviceAccount === pod.serviceAccount)
  if (!association)
    return refuse(
      'ResourceNotFoundException',
      `No association found for service account ${pod.namespace}/${pod.serviceAccount}`,
    )
  const tags = sessionTags(pod, account)
  const role = roles.find(association.roleArn)
  if (!role || !trusts(role, tags))
    return refuse(
      'AccessDeniedException',
      'Unauthorized Exception! EKS does not have permissions to assume the associated role.',
    )
  const seconds = fault?.kind === 'lifetime' ? fault.seconds : SESSION_SECONDS
  return { reply: credentials(role, { pod, tags, seconds }, account), outcome: 'ok' }
}

interface Grant {
  readonly pod: PodReference
  readonly tags: Readonly<Record<string, string>>
  readonly seconds: number
}

function credentials(role: Role, { pod, tags, seconds }: Grant, { accountId, sessions, state }: Account): Reply {
  const expiresAt = sessionEnd(state.now(), seconds)
  const name = `eks-${pod.name}-${randomUUID()}`.slice(-64)
  const session = sessions.start({ roleArn: role.arn, name, expiresAt, tags })
  return json(200, {
    AccessKeyId: session.accessKeyId,
    SecretAccessKey: session.secretAccessKey,
    Token: session.sessionToken,
    AccountId: accountId,
    Expiration: wholeSeconds(expiresAt),
  })
}

function trusts({ arn, trust }: Role, tags: Readonly<Record<string, string>>): boolean {
  if (!trust) return true
  const context = Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, [value]]))
  const principal = ['Service', AUDIENCE] as const
  return ['sts:AssumeRole', 'sts:TagSession'].every(
    (action) => evaluate(trust, { action, resource: arn, principal, context }) === 'allow',
  )
}

function refuse(code: string, message: string): Answer {
  const body = `[${randomUUID()}]: (${code}): ${message}, fault: client`
  return { reply: text(STATUS[code] ?? 400, body), outcome: code }
}

const text = (status: number, body: string): Reply => ({ status, contentType: 'text/plain; charset=utf-8', body })
