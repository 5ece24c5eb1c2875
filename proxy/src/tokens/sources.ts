import type { AwsTokenSpec } from './sources/aws/mint.ts'
import type { TokenSource } from './token.ts'

/**
 * What a token is asked for with, by the name of its source. A source is a folder in `sources/`, a row here, and its object where the
 * engine is composed. An exchange is a source as well: it is made with the source of its subject token, and calls that one's `mint` for
 * every token of its own, never the engine's cache. Some partners take each subject token once.
 */
export interface TokenSpecs {
  readonly aws: AwsTokenSpec
}

export type TokenSpec = TokenSpecs[keyof TokenSpecs]

export type TokenSources = { readonly [Name in keyof TokenSpecs]: TokenSource<TokenSpecs[Name]> }

/** @returns where a token of this spec comes from. */
export function sourceOf<Name extends keyof TokenSpecs>(
  sources: TokenSources,
  { source }: TokenSpecs[Name] & { readonly source: Name },
): TokenSource<TokenSpecs[Name]> {
  return sources[source]
}
