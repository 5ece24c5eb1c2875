// What the fields of a route that choose its token demand of each other.
import type { Exchange } from './exchange.ts'
import { defaultAudience, exchangeName, limitsOf } from './exchange.ts'
import { show } from './fields.ts'
import { roleArn } from './iam.ts'
import type { Preset, TokenLimits } from './presets.ts'
import { PRESETS } from './presets.ts'
import type { Report } from './problem.ts'
import type { Route, TokenFieldName, TokenFields } from './route-fields.ts'
import { ROUTE_DEFAULTS } from './route-fields.ts'

/** The kubelet's own bounds of a projected token, and ours, in seconds. */
const PROJECTED = { minimum: 600, maximum: 3600 } as const

/** Who takes the token first: the endpoint of an exchange, or an SDK that exchanges it itself. */
export interface Taker {
  /** How messages call it. */
  readonly name: string
  readonly limits: TokenLimits
  /** Why the limits are what they are. */
  readonly why: string
  /** Audience where none is given; undefined where one must be. */
  readonly audience: string | undefined
}

const takerOf = (exchange: Exchange | undefined): Taker | undefined =>
  exchange && {
    name: exchangeName(exchange),
    limits: limitsOf(exchange),
    why: reasonOf(exchange),
    audience: defaultAudience(exchange),
  }

/** @returns the defaults that depend on where the token comes from and who takes it. */
export function tokenDefaults(
  { source, exchange }: Pick<TokenFields, 'source' | 'exchange'>,
  taker: Taker | undefined = takerOf(exchange),
): Pick<TokenFields, 'audience' | 'durationSeconds'> {
  return {
    audience: taker?.audience === undefined ? ROUTE_DEFAULTS.audience : [taker.audience],
    durationSeconds:
      source === 'kubernetes'
        ? Math.max(PROJECTED.minimum, Math.min(PROJECTED.maximum, taker?.limits.longest ?? PROJECTED.maximum))
        : (taker?.limits.default ?? ROUTE_DEFAULTS.durationSeconds),
  }
}

/** @returns the header of a route that does not say it. */
export function defaultHeader(exchange: Exchange | undefined): Route['header'] {
  const isVault = exchange && 'type' in exchange && exchange.type === 'vault'
  return isVault ? { name: 'X-Vault-Token', scheme: '' } : ROUTE_DEFAULTS.header
}

/**
 * Fills in the defaults that depend on other fields, and reports what does not go together.
 * @param parsed may lack what was reported already.
 * @param given the fields whose value an author or ROUTES chose.
 * @param taker other than the exchange.
 */
export function completeToken(
  parsed: { -readonly [Field in TokenFieldName]?: TokenFields[Field] | undefined },
  given: (field: TokenFieldName) => boolean,
  where: (field: TokenFieldName) => string,
  report: Report,
  taker?: Taker,
): void {
  const { source, exchange } = parsed
  // Nothing can be said where one of these was refused already.
  if (source === undefined || (given('exchange') && exchange === undefined)) return
  const first = taker ?? takerOf(exchange)
  const defaults = tokenDefaults({ source, ...(exchange && { exchange }) }, first)
  if (!given('audience')) parsed.audience = defaults.audience
  if (!given('durationSeconds')) parsed.durationSeconds = defaults.durationSeconds
  const complain: Complain = (field, allowed) => {
    const value = parsed[field]
    report({ where: where(field), value: isEmpty(value) ? undefined : show(value), allowed })
  }
  checkSource(parsed, given, complain)
  if (first !== undefined) checkTaker(parsed, first, complain)
}

type Parsed = { readonly [Field in TokenFieldName]?: TokenFields[Field] | undefined }
type Complain = (field: TokenFieldName, allowed: string) => void

function checkSource(
  { source, audience, durationSeconds, subjectTokenFile }: Parsed,
  given: (field: TokenFieldName) => boolean,
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

function checkTaker(parsed: Parsed, { name, limits, why }: Taker, complain: Complain): void {
  const { source, audience, durationSeconds, signingAlgorithm } = parsed
  const { algorithms, longest, oneAudience } = limits
  if (audience?.length === 0)
    complain('audience', `the audience that the partner behind ${name} checks; it has no default here`)
  if (oneAudience && audience !== undefined && audience.length > 1)
    complain('audience', `one audience with ${name}. ${why}`)
  if (source === 'aws' && signingAlgorithm !== undefined && !algorithms.includes(signingAlgorithm))
    complain('signingAlgorithm', `${algorithms.join(' or ')} with ${name}. ${why}`)
  if (longest !== undefined && durationSeconds !== undefined && durationSeconds > longest)
    complain('durationSeconds', `at most ${longest}s with ${name}. ${why}`)
}

function reasonOf(exchange: Exchange): string {
  if (!('preset' in exchange)) return 'Google takes RS256 and ES256 alone.'
  const { why }: Preset = PRESETS[exchange.preset]
  return why
}

const isEmpty = (value: unknown): boolean => value === undefined || (Array.isArray(value) && value.length === 0)

/** Something of a token that may well not work although it is allowed. */
export interface TokenWarning {
  readonly found: string
  readonly hint: string
}

/**
 * @param taker other than the exchange.
 * @returns what an author and an operator should know of a token.
 */
export function tokenWarnings(
  { source, exchange }: Pick<TokenFields, 'source' | 'exchange'>,
  taker: Taker | undefined = takerOf(exchange),
): readonly TokenWarning[] {
  const warnings: TokenWarning[] = []
  if (source === 'kubernetes' && taker?.limits.takesOnce)
    warnings.push({
      found: `${taker.name} takes each token once, and a projected one stays the same until the kubelet renews it`,
      hint: 'Let the partner allow reuse, or use source aws.',
    })
  if (exchange !== undefined && isNoSubject(exchange, source)) {
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
