import { describeProblem } from '../../../../proxy/src/contract.ts'
import type { Problem, Report } from '../../../../proxy/src/contract.ts'

/** A field of a JSON object: its check and the allowed form, as the end of the sentence "expected …". */
export interface Field {
  readonly allowed: string
  readonly accepts: (value: unknown) => boolean
}

export type Fields = Readonly<Record<string, Field>>
export type Json = Readonly<Record<string, unknown>>

export const between = (minimum: number, maximum: number): Field => ({
  allowed: `a whole number from ${minimum} to ${maximum}`,
  accepts: (value) => Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum,
})

export const text: Field = { allowed: 'a text', accepts: (value) => typeof value === 'string' }
export const boolean: Field = { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' }
export const object: Field = { allowed: 'an object', accepts: (value) => isObject(value) }
export const list: Field = { allowed: 'a list', accepts: Array.isArray }

export const textLike = (expression: RegExp, allowed: string): Field => ({
  allowed,
  accepts: (value) => typeof value === 'string' && expression.test(value),
})

export const oneOf = (...values: readonly unknown[]): Field => ({
  allowed: values.map((value) => JSON.stringify(value)).join(' or '),
  accepts: (value) => values.includes(value),
})

/** Reports every field that is missing, unknown or of another form. @returns whether the value is an object at all. */
export function checkObject(
  value: unknown,
  { required = {}, optional = {} }: { readonly required?: Fields; readonly optional?: Fields },
  where: string,
  report: Report,
): value is Json {
  if (!isObject(value)) {
    report({ where, value: written(value), allowed: object.allowed })
    return false
  }
  const fields = { ...optional, ...required }
  for (const name of new Set([...Object.keys(required), ...Object.keys(value)])) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    const allowed = field?.allowed ?? `one of the fields ${Object.keys(fields).join(', ')}`
    if (!field?.accepts(value[name])) report({ where: `${where}.${name}`, value: written(value[name]), allowed })
  }
  return true
}

/** Reports when the value is no list, else checks every item. */
export function checkList(
  value: unknown,
  check: (item: unknown, where: string) => void,
  where: string,
  report: Report,
): void {
  if (Array.isArray(value)) value.forEach((item, index) => check(item, `${where}[${index}]`))
  else report({ where, value: written(value), allowed: list.allowed })
}

/** @returns the value that passed the check. @throws TypeError with every problem: where, what was given, what is allowed. */
export function checked(value: unknown, check: (value: unknown, report: Report) => void): unknown {
  const problems: Problem[] = []
  check(value, (problem) => problems.push(problem))
  if (problems.length > 0) throw new TypeError(problems.map(describeProblem).join('\n'))
  return value
}

export function written(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
