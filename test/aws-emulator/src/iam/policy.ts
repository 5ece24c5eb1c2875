/** An IAM policy, in IAM's own grammar; what is not emulated is refused by `parse-policy.ts`. */
export interface PolicyDocument {
  readonly Version?: string
  readonly Statement: Statement | readonly Statement[]
}

export interface Statement {
  readonly Sid?: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: OneOrMore
  readonly Resource?: OneOrMore
  /** Of a trust policy: `{"Federated": …}` or `{"Service": "pods.eks.amazonaws.com"}`. */
  readonly Principal?: Readonly<Record<string, OneOrMore>>
  /** Operator → condition key → values. */
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore>>>>
}

export type OneOrMore = string | number | boolean | readonly (string | number | boolean)[]

/** What is asked of a policy. */
export interface PolicyRequest {
  readonly action: string
  readonly resource: string
  /** `<type> <id>` of who asks; for trust policies alone. */
  readonly principal?: readonly [type: string, id: string]
  /** Condition keys that the request has, with their values. */
  readonly context: Readonly<Record<string, readonly string[]>>
}

export const listOf = (value: OneOrMore | undefined): readonly string[] =>
  value === undefined ? [] : (Array.isArray(value) ? value : [value]).map(String)

/** IAM's wildcards: `*` is any text, `?` any character. */
export function matchesWildcard(pattern: string, text: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${expression}$`, 's').test(text)
}
