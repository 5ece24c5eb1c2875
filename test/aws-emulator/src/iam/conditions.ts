import type { PolicyRequest, Statement } from './policy.ts'
import { listOf, matchesWildcard } from './policy.ts'

type Comparison = (actual: string, wanted: string) => boolean

const numeric =
  (compare: (actual: number, wanted: number) => boolean): Comparison =>
  (actual, wanted) =>
    compare(Number(actual), Number(wanted))
const equals: Comparison = (actual, wanted) => actual === wanted
const sameIgnoringCase: Comparison = (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase()
const like: Comparison = (actual, wanted) => matchesWildcard(wanted, actual)

/** Operators of conditions. Source: IAM user guide, "IAM JSON policy elements: Condition operators". */
const OPERATORS: Readonly<Record<string, Comparison>> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: sameIgnoringCase,
  StringLike: like,
  NumericEquals: numeric((actual, wanted) => actual === wanted),
  NumericLessThan: numeric((actual, wanted) => actual < wanted),
  NumericLessThanEquals: numeric((actual, wanted) => actual <= wanted),
  NumericGreaterThan: numeric((actual, wanted) => actual > wanted),
  NumericGreaterThanEquals: numeric((actual, wanted) => actual >= wanted),
  Bool: sameIgnoringCase,
  ArnEquals: like,
  ArnLike: like,
}

/** True when no value of the policy fits. A key that the request lacks fits too. */
const NEGATED: Readonly<Record<string, Comparison>> = {
  StringNotEquals: equals,
  StringNotEqualsIgnoreCase: sameIgnoringCase,
  StringNotLike: like,
  NumericNotEquals: numeric((actual, wanted) => actual === wanted),
  ArnNotEquals: like,
  ArnNotLike: like,
}

interface Operator {
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined
  readonly ifExists: boolean
  readonly name: string
}

/** Every operator that is emulated, without quantifier and `IfExists`. */
export const OPERATOR_NAMES = [...Object.keys(OPERATORS), ...Object.keys(NEGATED), 'Null']

/** @returns the parts of an operator such as `ForAllValues:StringLikeIfExists`, or undefined when it is unknown. */
export function parseOperator(text: string): Operator | undefined {
  const match = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(text)
  const name = match?.[2] ?? ''
  if (!OPERATOR_NAMES.includes(name)) return undefined
  return { quantifier: match?.[1] as Operator['quantifier'], ifExists: match?.[3] !== undefined, name }
}

/** Whether every operator and key of a statement's condition fits the request. */
export function conditionHolds(condition: Statement['Condition'], context: PolicyRequest['context']): boolean {
  const actualByKey = new Map(Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]))
  return Object.entries(condition ?? {}).every(([text, wantedByKey]) => {
    const operator = parseOperator(text)
    return (
      operator !== undefined &&
      Object.entries(wantedByKey).every(([key, wanted]) =>
        holds(operator, actualByKey.get(key.toLowerCase()), listOf(wanted)),
      )
    )
  })
}

function holds(
  { quantifier, ifExists, name }: Operator,
  actual: readonly string[] | undefined,
  wanted: readonly string[],
): boolean {
  if (name === 'Null') return wanted.includes(String(actual === undefined))
  const negated = NEGATED[name]
  if (actual === undefined || actual.length === 0)
    return ifExists || (quantifier === undefined ? negated !== undefined : quantifier === 'ForAllValues')
  const compare = negated ?? OPERATORS[name] ?? equals
  const fits = (value: string): boolean => wanted.some((item) => compare(value, item)) !== (negated !== undefined)
  return quantifier === 'ForAllValues' ? actual.every(fits) : actual.some(fits)
}
