import type { Report } from '../../../../proxy/src/contract.ts'
import type { Field } from '../admin/fields.ts'
import { checkList, checkObject, isObject, object, oneOf, text, written } from '../admin/fields.ts'
import { OPERATOR_NAMES, parseOperator } from './conditions.ts'

const oneOrMore: Field = {
  allowed: 'a text or a list of texts; policy variables are not emulated',
  accepts: (value) => (Array.isArray(value) ? value : [value]).every(isScalar),
}

const isScalar = (value: unknown): boolean =>
  ['number', 'boolean'].includes(typeof value) || (typeof value === 'string' && !value.includes('${'))

const STATEMENT = {
  required: { Effect: oneOf('Allow', 'Deny'), Action: oneOrMore },
  optional: { Sid: text, Resource: oneOrMore, Principal: object, Condition: object },
}

/** Reports what IAM would refuse, and what the emulator cannot evaluate: a policy must never mean less than it says. */
export function checkPolicy(document: unknown, where: string, report: Report): void {
  const anything: Field = { allowed: 'a statement or a list of statements', accepts: () => true }
  const fields = { required: { Statement: anything }, optional: { Version: oneOf('2012-10-17'), Id: text } }
  if (!checkObject(document, fields, where, report)) return
  const { Statement } = document
  const check = (statement: unknown, at: string): void => checkStatement(statement, at, report)
  if (isObject(Statement)) check(Statement, `${where}.Statement`)
  else checkList(Statement, check, `${where}.Statement`, report)
}

function checkStatement(statement: unknown, where: string, report: Report): void {
  if (!checkObject(statement, STATEMENT, where, report)) return
  const { Principal, Condition } = statement
  if (isObject(Principal)) checkValues(Principal, `${where}.Principal`, report)
  if (!isObject(Condition)) return
  for (const [operator, keys] of Object.entries(Condition)) {
    const at = `${where}.Condition.${operator}`
    if (parseOperator(operator)) checkValues(keys, at, report)
    else report({ where: at, value: written(operator), allowed: `one of ${OPERATOR_NAMES.join(', ')}` })
  }
}

function checkValues(values: unknown, where: string, report: Report): void {
  const names = isObject(values) ? Object.keys(values) : []
  checkObject(values, { optional: Object.fromEntries(names.map((name) => [name, oneOrMore])) }, where, report)
}
