import type { ExpandedExchange, GoogleExchange, OAuth2Exchange } from './exchange.ts'
import { show } from './fields.ts'
import type { Report } from './problem.ts'

/** What one field of an exchange demands of the others. */
interface Rule<Kind> {
  readonly field: string
  readonly isBroken: (exchange: Kind) => boolean
  readonly allowed: (exchange: Kind) => string
}

const sendsSecret = ({ clientAuth }: OAuth2Exchange): boolean => clientAuth === 'basic' || clientAuth === 'post'
const hasNoType = ({ grant }: OAuth2Exchange): string => `nothing: grant ${grant} does not have it`

const OAUTH2: readonly Rule<OAuth2Exchange>[] = [
  {
    // The one preset without an endpoint of its own that needs neither parameter alone.
    field: 'host',
    isBroken: ({ tokenUrl }) => tokenUrl === '',
    allowed: () => 'host of the workspace, or accountId',
  },
  {
    field: 'clientAuth',
    isBroken: ({ grant, clientAuth }) => grant === 'client-credentials' && clientAuth !== 'assertion',
    allowed: () => 'assertion: with client-credentials the token goes nowhere else',
  },
  {
    field: 'clientSecretFile',
    isBroken: (exchange) => sendsSecret(exchange) && exchange.clientSecretFile === undefined,
    allowed: ({ clientAuth }) => `a secret for clientAuth ${clientAuth}`,
  },
  {
    field: 'clientId',
    isBroken: (exchange) => sendsSecret(exchange) && exchange.clientId === undefined,
    allowed: ({ clientAuth }) => `a client for clientAuth ${clientAuth}`,
  },
  {
    field: 'clientSecretFile',
    isBroken: (exchange) => !sendsSecret(exchange) && exchange.clientSecretFile !== undefined,
    allowed: ({ clientAuth }) => `nothing, or clientAuth basic or post instead of ${clientAuth}`,
  },
  {
    field: 'subjectTokenType',
    isBroken: ({ grant, subjectTokenType }) => grant !== 'token-exchange' && subjectTokenType !== undefined,
    allowed: hasNoType,
  },
  {
    field: 'requestedTokenType',
    isBroken: ({ grant, requestedTokenType }) => grant !== 'token-exchange' && requestedTokenType !== undefined,
    allowed: hasNoType,
  },
]

const GOOGLE: readonly Rule<GoogleExchange>[] = [
  {
    field: 'serviceAccount',
    isBroken: ({ tokenKind, serviceAccount }) => tokenKind === 'id' && serviceAccount === undefined,
    allowed: () => 'a service account: Google makes ID tokens for those alone',
  },
  {
    field: 'targetAudience',
    isBroken: ({ tokenKind, targetAudience }) => tokenKind === 'id' && targetAudience === undefined,
    allowed: () => 'the audience of the ID token',
  },
  {
    field: 'targetAudience',
    isBroken: ({ tokenKind, targetAudience }) => tokenKind === 'access' && targetAudience !== undefined,
    allowed: () => 'nothing, or tokenKind id',
  },
  {
    field: 'lifetimeSeconds',
    isBroken: ({ tokenKind, serviceAccount, lifetimeSeconds }) =>
      lifetimeSeconds !== undefined && (tokenKind === 'id' || serviceAccount === undefined),
    allowed: () => 'nothing: only access tokens of a service account have it',
  },
]

/** Reports fields that contradict each other. @param where the path of a field, by its name in ROUTES. */
export function rejectContradictions(
  exchange: ExpandedExchange,
  where: (field: string) => string,
  report: Report,
): void {
  if (exchange.type === 'oauth2') check(exchange, OAUTH2)
  if (exchange.type === 'google') check(exchange, GOOGLE)

  function check<Kind extends ExpandedExchange>(kind: Kind, rules: readonly Rule<Kind>[]): void {
    const values = new Map<string, unknown>(Object.entries(kind))
    for (const { field, isBroken, allowed } of rules) {
      if (!isBroken(kind)) continue
      const value = values.get(field)
      report({ where: where(field), value: show(value), allowed: allowed(kind) })
    }
  }
}
