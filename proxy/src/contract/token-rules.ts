// What the fields of a route that choose its token demand of each other.
import type { Exchange } from './exchange.ts'
import { defaultAudience, exchangeName, limitsOf } from './exchange.ts'
import { show } from './fields.ts'
import { roleArn } from './iam.ts'
import type { Preset } from './presets.ts'
import { PRESETS } from './presets.ts'
import type { Report } from './problem.ts'
import type { Route, RouteFieldName } from './route-fields.ts'
import { ROUTE_DEFAULTS } from './route-fields.ts'

/** The kubelet's own bounds of a projected token, and ours, in seconds. */
const PROJECTED = { minimum: 600, maximum: 3600 } as const

type TokenFields = Pick<
  Route,
  'source' | 'audience' | 'durationSeconds' | 'signingAlgorithm' | 'tags' | 'subjectTokenFile' | 'exchange'
>
type TokenDefaults = Pick<Route, 'audience' | 'durationSeconds' | 'header'>

/** @returns the defaults that depend on where the token comes from and what it is exchanged for. */
export function tokenDefaults({ source, exchange }: Pick<Route, 'source' | 'exchange'>): TokenDefaults {
  const audience = exchange && defaultAudience(exchange)
  const isVault = exchange && 'type' in exchange && exchange.type === 'vault'
  return {
    audience: audience === undefined ? ROUTE_DEFAULTS.audience : [audience],
    durationSeconds: source === 'kubernetes' ? projectedSeconds(exchange) : exchangedSeconds(exchange),
    header: isVault ? { name: 'X-Vault-Token', scheme: '' } : ROUTE_DEFAULTS.header,
  }
}

const exchangedSeconds = (exchange: Exchange | undefined): number =>
  exchange ? limitsOf(exchange).default : ROUTE_DEFAULTS.durationSeconds

const projectedSeconds = (exchange: Exchange | undefined): number =>
  Math.max(
    PROJECTED.minimum,
    Math.min(PROJECTED.maximum, (exchange && limitsOf(exchange).longest) ?? PROJECTED.maximum),
  )

/**
 * Reports what does not go together.
 * @param given the fields whose value an author or ROUTES chose.
 * @param route may lack what was reported already.
 */
export function checkToken(
  route: Partial<TokenFields>,
  given: (field: RouteFieldName) => boolean,
  where: (field: RouteFieldName) => string,
  report: Report,
): void {
  const complain = (field: keyof TokenFields, allowed: string): void => {
    const value = route[field]
    report({ where: where(field), value: isEmpty(value) ? 'nothing' : show(value), allowed })
  }
  checkSource(route, given, complain)
  if (route.exchange !== undefined) checkExchange(route, route.exchange, complain)
}

type Complain = (field: keyof TokenFields, allowed: string) => void

function checkSource(
  { source, audience, durationSeconds, subjectTokenFile }: Partial<TokenFields>,
  given: (field: RouteFieldName) => boolean,
  complain: Complain,
): void {
  if (source === 'aws' && given('subjectTokenFile'))
    complain('subjectTokenFile', 'nothing, or source kubernetes: AWS tokens come from STS')
  if (source !== 'kubernetes') return
  if (audience !== undefined && audience.length !== 1)
    complain('audience', 'exactly one audience, because a projected token of source kubernetes has no more')
  if (durationSeconds !== undefined && durationSeconds < PROJECTED.minimum)
    complain('durationSeconds', `${PROJECTED.minimum}s to ${PROJECTED.maximum}s with source kubernetes`)
  for (const field of ['signingAlgorithm', 'tags'] as const)
    if (given(field)) complain(field, `nothing with source kubernetes: the cluster decides it`)
  if (subjectTokenFile === undefined && !given('subjectTokenFile'))
    complain('subjectTokenFile', 'the path of the projected token, with source kubernetes')
}

function checkExchange(route: Partial<TokenFields>, exchange: Exchange, complain: Complain): void {
  const { source, audience, durationSeconds, signingAlgorithm } = route
  const { algorithms, longest, oneAudience } = limitsOf(exchange)
  const name = exchangeName(exchange)
  if (audience?.length === 0)
    complain('audience', `the audience that the partner behind ${name} checks; it has no default here`)
  if (oneAudience && audience !== undefined && audience.length > 1)
    complain('audience', `one audience with ${name}. ${reasonOf(exchange)}`)
  if (source === 'aws' && signingAlgorithm !== undefined && !algorithms.includes(signingAlgorithm))
    complain('signingAlgorithm', `${algorithms.join(' or ')} with ${name}. ${reasonOf(exchange)}`)
  if (longest !== undefined && durationSeconds !== undefined && durationSeconds > longest)
    complain('durationSeconds', `at most ${longest}s with ${name}. ${reasonOf(exchange)}`)
}

function reasonOf(exchange: Exchange): string {
  if (!('preset' in exchange)) return 'Google takes RS256 and ES256 alone.'
  const { why }: Preset = PRESETS[exchange.preset]
  return why
}

const isEmpty = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0)

/** Something of a route that may well not work although it is allowed. */
export interface TokenWarning {
  readonly found: string
  readonly hint: string
}

/** @returns what an author and an operator should know of the token of a route. */
export function tokenWarnings({ source, exchange }: Route): readonly TokenWarning[] {
  if (exchange === undefined) return []
  const warnings: TokenWarning[] = []
  if (source === 'kubernetes' && limitsOf(exchange).takesOnce)
    warnings.push({
      found: `${exchangeName(exchange)} takes each token once, and a projected one stays the same until the kubelet renews it`,
      hint: 'Let the partner allow reuse, or use source aws.',
    })
  if (isNoSubject(exchange, source)) {
    const subject = source === 'aws' ? 'the ARN of the role' : 'system:serviceaccount:<namespace>:<name>'
    warnings.push({
      found: 'AM takes the token only when clientId is its subject',
      hint: `Name the client by ${subject}.`,
    })
  }
  return warnings
}

/** Whether AM would look for a client of another name than the subject of the token. */
function isNoSubject(exchange: Exchange, source: Route['source']): boolean {
  if (!('preset' in exchange) || exchange.preset !== 'forgerock' || exchange['grant'] === 'jwt-bearer') return false
  const clientId = exchange['clientId'] ?? ''
  return source === 'aws' ? !roleArn(clientId).ok : !/^system:serviceaccount:[^:]+:[^:]+$/.test(clientId)
}
