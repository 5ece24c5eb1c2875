import type { Report } from '../../../../proxy/src/contract.ts'
import { checkList, checkObject, checked, isObject, written } from '../admin/fields.ts'
import type { Fault, FaultKind } from './fault.ts'
import { FAULT_KINDS, MATCH_FIELDS, SCOPE_FIELDS } from './kinds.ts'

/** @throws TypeError that names every problem: where, what was given, what is allowed. */
export function parseFaults(value: unknown): readonly Fault[] {
  return checked(value, (faults, report) =>
    checkList(faults, (item, where) => checkFault(item, where, report), 'faults', report),
  ) as readonly Fault[]
}

function checkFault(item: unknown, where: string, report: Report): void {
  const kind = isObject(item) ? item['kind'] : item
  if (typeof kind !== 'string' || !Object.hasOwn(FAULT_KINDS, kind)) {
    const allowed = `one of ${Object.keys(FAULT_KINDS).join(', ')}`
    report({ where: `${where}.kind`, value: written(kind), allowed })
    return
  }
  const { required, optional } = FAULT_KINDS[kind as FaultKind]
  checkObject(item, { required, optional: { ...SCOPE_FIELDS, ...optional } }, where, report)
  if (isObject(item) && isObject(item['match']))
    checkObject(item['match'], { optional: MATCH_FIELDS }, `${where}.match`, report)
}
