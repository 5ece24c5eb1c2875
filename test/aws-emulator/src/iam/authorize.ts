import type { Arns } from '../account/arns.ts'
import { ServiceError } from '../query/errors.ts'
import { evaluate } from './evaluate.ts'
import type { PolicyRequest } from './policy.ts'
import type { PolicyKind, Role } from './role.ts'
import { POLICY_KINDS } from './role.ts'

export interface Caller {
  readonly role: Role
  readonly name: string
}

/**
 * Evaluates every policy of the caller's role: an explicit deny anywhere wins, and each policy that exists must allow.
 * @throws ServiceError AccessDenied, worded as AWS does.
 * Source: IAM user guide, "Troubleshoot access denied error messages".
 */
export function authorize(request: PolicyRequest, { role, name }: Caller, arns: Arns): void {
  const verdicts = (Object.keys(POLICY_KINDS) as PolicyKind[]).map((kind) => {
    const document = role.policies?.[kind]
    return { kind, verdict: document ? evaluate(document, request) : 'allow' }
  })
  const denied = verdicts.find(({ verdict }) => verdict === 'explicit-deny')
  const missing = verdicts.find(({ verdict }) => verdict === 'implicit-deny')
  if (!denied && !missing) return
  const reason = denied
    ? `with an explicit deny in ${article(POLICY_KINDS[denied.kind])}`
    : `because no ${POLICY_KINDS[(missing ?? denied ?? { kind: 'identity' as const }).kind]} allows the ${request.action} action`
  const user = arns.assumedRole(role.arn, name)
  throw new ServiceError(
    'AccessDenied',
    `User: ${user} is not authorized to perform: ${request.action} on resource: ${request.resource} ${reason}`,
  )
}

const article = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
