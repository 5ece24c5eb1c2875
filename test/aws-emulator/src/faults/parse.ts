import { describeProblem } from '../../../../proxy/src/contract.ts'
import type { Problem, Report } from '../../../../proxy/src/contract.ts'
import type { Fault, FaultKind } from './fault.ts'
import { FAULT_KINDS, MATCH_FIELDS, SCOPE_FIELDS } from './kinds.ts'
import type { KindDescription } from './kinds.ts'

type Fields = KindDescription['required']
type Json = Readonly<Record<string, unknown>>

/** @throws TypeError that names every problem: where, what was given, what is allowed. */
export function parseFaults(value: unknown): readonly Fault[] {
  const problems: Problem[] = []
  const report: Report = (problem) => problems.push(problem)
  if (Array.isArray(value)) value.forEach((item, index) => checkFault(item, `[${index}]`, report))
  else report({ where: 'faults', value: written(value), allowed: 'a list' })
  if (problems.length > 0) throw new TypeError(problems.map(describeProblem).join('\n'))
  return value as readonly Fault[]
}

function checkFault(item: unknown, where: string, report: Report): void {
  if (!isObject(item)) {
    report({ where, value: written(item), allowed: 'an object' })
    return
  }
  const kind = String(item['kind'])
  if (!Object.hasOwn(FAULT_KINDS, kind)) {
    report({ where: `${where}.kind`, value: kind, allowed: `one of ${Object.keys(FAULT_KINDS).join(', ')}` })
    return
  }
  const { required, optional } = FAULT_KINDS[kind as FaultKind]
  checkFields(item, { required, optional: { ...SCOPE_FIELDS, ...optional } }, where, report)
  if (isObject(item['match']))
    checkFields(item['match'], { required: {}, optional: MATCH_FIELDS }, `${where}.match`, report)
}

function checkFields(
  item: Json,
  { required, optional }: { readonly required: Fields; readonly optional: Fields },
  where: string,
  report: Report,
): void {
  const fields = { ...optional, ...required }
  for (const name of new Set([...Object.keys(required), ...Object.keys(item)])) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    const allowed = field?.allowed ?? `one of the fields ${Object.keys(fields).join(', ')}`
    if (!field?.accepts(item[name])) report({ where: `${where}.${name}`, value: written(item[name]), allowed })
  }
}

const written = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
