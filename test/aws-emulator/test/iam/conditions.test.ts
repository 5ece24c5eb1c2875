import { expect } from 'chai'
import { describe, it } from 'mocha'
import { conditionHolds, parseOperator } from '../../src/iam/conditions.ts'
import { matchesWildcard } from '../../src/iam/policy.ts'

/** operator, values of the policy, values of the request (none: the key is absent), whether it holds. */
type Row = readonly [
  operator: string,
  wanted: string | readonly string[],
  actual: readonly string[] | undefined,
  holds: boolean,
]

const ROWS: readonly Row[] = [
  ['StringEquals', 'a', ['a'], true],
  ['StringEquals', 'a', ['A'], false],
  ['StringEquals', ['a', 'b'], ['b'], true],
  ['StringEquals', 'a', undefined, false],
  ['StringEqualsIfExists', 'a', undefined, true],
  ['StringEqualsIfExists', 'a', ['b'], false],
  ['StringEqualsIgnoreCase', 'a', ['A'], true],
  ['StringNotEquals', 'a', ['a'], false],
  ['StringNotEquals', ['a', 'b'], ['c'], true],
  ['StringNotEquals', 'a', undefined, true],
  ['StringNotEqualsIgnoreCase', 'a', ['A'], false],
  ['StringLike', 'a*c?', ['abcd'], true],
  ['StringLike', 'a.c', ['abc'], false],
  ['StringNotLike', 'a*', ['abc'], false],
  ['NumericEquals', '300', ['300'], true],
  ['NumericNotEquals', '300', ['300'], false],
  ['NumericLessThan', '300', ['300'], false],
  ['NumericLessThanEquals', '300', ['300'], true],
  ['NumericLessThanEquals', '900', ['1000'], false],
  ['NumericGreaterThan', '300', ['300'], false],
  ['NumericGreaterThanEquals', '300', ['300'], true],
  ['Bool', 'true', ['true'], true],
  ['ArnLike', 'arn:aws:iam::*:role/*', ['arn:aws:iam::1:role/a'], true],
  ['ArnNotEquals', 'arn:a', ['arn:a'], false],
  ['Null', 'true', undefined, true],
  ['Null', 'false', undefined, false],
  ['Null', 'false', ['a'], true],
  ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b'], true],
  ['ForAllValues:StringEquals', ['a'], ['a', 'b'], false],
  ['ForAllValues:StringEquals', ['a'], undefined, true],
  ['ForAllValues:StringNotEquals', ['a'], ['b', 'a'], false],
  ['ForAnyValue:StringEquals', ['a'], ['b', 'a'], true],
  ['ForAnyValue:StringEquals', ['a'], ['b'], false],
  ['ForAnyValue:StringEquals', ['a'], undefined, false],
  ['ForAnyValue:StringNotEquals', ['a'], undefined, false],
  ['ForAnyValue:StringEqualsIfExists', ['a'], undefined, true],
]

describe('IAM conditions', () => {
  for (const [operator, wanted, actual, holds] of ROWS) {
    it(`${operator} ${JSON.stringify(wanted)} ${holds ? 'holds' : 'fails'} for ${actual ? JSON.stringify(actual) : 'no value'}`, () => {
      const context = actual ? { 'sts:Key': actual } : {}
      expect(conditionHolds({ [operator]: { 'STS:key': wanted } }, context)).to.equal(holds)
    })
  }

  it('hold all together or not at all', () => {
    const condition = { StringEquals: { a: '1', b: '2' }, NumericLessThan: { c: 3 } }
    expect(conditionHolds(condition, { a: ['1'], b: ['2'], c: ['2'] })).to.equal(true)
    expect(conditionHolds(condition, { a: ['1'], b: ['9'], c: ['2'] })).to.equal(false)
    expect(conditionHolds(condition, { a: ['1'], b: ['2'], c: ['9'] })).to.equal(false)
    expect(conditionHolds(undefined, {})).to.equal(true)
  })

  it('do not hold under an operator that is not known', () => {
    for (const operator of ['IpAddress', 'ForSomeValues:StringEquals', 'StringEquals:x', 'toString']) {
      expect(parseOperator(operator), operator).to.equal(undefined)
      expect(conditionHolds({ [operator]: { a: '1' } }, { a: ['1'] })).to.equal(false)
    }
  })
})

describe('wildcards of IAM', () => {
  it('match any text, one character, and everything else literally', () => {
    const cases: readonly (readonly [string, string, boolean])[] = [
      ['*', '', true],
      ['a*', 'a\nb', true],
      ['a?c', 'abc', true],
      ['a?c', 'ac', false],
      ['a+(b)', 'a+(b)', true],
      ['a+', 'aa', false],
      ['[ab]', 'a', false],
    ]
    for (const [pattern, text, expected] of cases)
      expect(matchesWildcard(pattern, text), `${pattern} ${text}`).to.equal(expected)
  })
})
