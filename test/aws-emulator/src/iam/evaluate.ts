import { conditionHolds } from './conditions.ts'
import type { PolicyDocument, PolicyRequest, Statement } from './policy.ts'
import { listOf, matchesWildcard } from './policy.ts'

export type Verdict = 'allow' | 'explicit-deny' | 'implicit-deny'

/** What one policy says: an explicit deny wins, then an allow, else it does not allow. */
export function evaluate(document: PolicyDocument, request: PolicyRequest): Verdict {
  const { Statement } = document
  const statements = (Array.isArray(Statement) ? Statement : [Statement]) as readonly Statement[]
  const effects = statements.filter((statement) => applies(statement, request)).map(({ Effect }) => Effect)
  if (effects.includes('Deny')) return 'explicit-deny'
  return effects.includes('Allow') ? 'allow' : 'implicit-deny'
}

function applies({ Action, Resource = '*', Principal, Condition }: Statement, request: PolicyRequest): boolean {
  return (
    listOf(Action).some((action) => matchesWildcard(action.toLowerCase(), request.action.toLowerCase())) &&
    listOf(Resource).some((resource) => matchesWildcard(resource, request.resource)) &&
    fitsPrincipal(Principal, request) &&
    conditionHolds(Condition, request.context)
  )
}

function fitsPrincipal(principal: Statement['Principal'], { principal: caller }: PolicyRequest): boolean {
  if (!principal || !caller) return principal === undefined && caller === undefined
  const [type, id] = caller
  return listOf(principal[type]).includes(id)
}
