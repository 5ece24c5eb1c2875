import type { TokenFields } from '../contract.ts'
import { expandExchange } from '../contract.ts'
import type { ExchangedTokenSpec } from './exchanges/exchange.ts'
import type { AwsTokenSpec } from './sources/aws/mint.ts'
import type { KubernetesTokenSpec } from './sources/kubernetes.ts'
import type { TokenSource } from './token.ts'

/**
 * What a token is asked for with, by the name of its source. A source is a file or folder in `sources/`, a row here, and its object where the
 * engine is composed. An exchange is a source as well: it calls `mint` of the source of its subject token for every token of its own, never
 * the engine's cache. Some partners take each subject token once.
 */
export interface TokenSpecs {
  readonly aws: AwsTokenSpec
  readonly kubernetes: KubernetesTokenSpec
  readonly exchange: ExchangedTokenSpec
}

export type TokenSpec = TokenSpecs[keyof TokenSpecs]

export type TokenSources = { readonly [Name in keyof TokenSpecs]: TokenSource<TokenSpecs[Name]> }

/** @returns where a token of this spec comes from. */
export function sourceOf<Name extends keyof TokenSpecs>(
  sources: Pick<TokenSources, Name>,
  { source }: TokenSpecs[Name] & { readonly source: Name },
): TokenSource<TokenSpecs[Name]> {
  return sources[source]
}

/** @returns the spec of the token that is signed by AWS or the cluster: the token itself, or what is exchanged for it. */
export function subjectOf(spec: TokenSpec): AwsTokenSpec | KubernetesTokenSpec {
  return spec.source === 'exchange' ? spec.subject : spec
}

/**
 * @param audience where the fields leave it to the host.
 * @returns what a token of these fields is asked for with.
 */
export function tokenSpecOf(fields: TokenFields, audience: readonly string[] = fields.audience): TokenSpec {
  const subject = subjectSpecOf(fields, audience)
  return fields.exchange === undefined
    ? subject
    : { source: 'exchange', subject, exchange: expandExchange(fields.exchange) }
}

function subjectSpecOf(fields: TokenFields, audience: readonly string[]): AwsTokenSpec | KubernetesTokenSpec {
  const { durationSeconds, signingAlgorithm, source, subjectTokenFile, tags } = fields
  if (source === 'aws') return { source, audience, signingAlgorithm, durationSeconds, tags }
  if (subjectTokenFile === undefined) throw new TypeError('source kubernetes without subjectTokenFile')
  return { source, audience, durationSeconds, tokenFile: subjectTokenFile }
}
