import type { Exchange } from './exchange.ts'
import { EXCHANGE_TYPES, EXCHANGE_TYPE_NAMES, expandExchange } from './exchange.ts'
import { rejectContradictions } from './exchange-rules.ts'
import type { FieldParser } from './fields.ts'
import { isRecord, kindOf, rejectUnknown, stringField } from './fields.ts'
import type { WrittenParser } from './mounted-object.ts'
import { oneOf } from './parsers.ts'
import type { ExchangeField } from './presets.ts'
import { PRESETS, PRESET_NAMES } from './presets.ts'
import type { Problem, Report } from './problem.ts'

type Fields = Readonly<Record<string, ExchangeField<unknown>>>

/** In how authors and ROUTES write the same exchange differ: the name of a field, and its parser. */
interface Form {
  readonly key: (name: string, field: ExchangeField<unknown>) => string
  readonly parse: (field: ExchangeField<unknown>) => FieldParser<unknown>
}

/** Parses the exchange that ROUTES has. */
export const exchange: FieldParser<Exchange> = (value, where, report) =>
  parseExchange(value, where, report, { key: (name) => name, parse: ({ parse }) => parse })

/** The same as an author writes it, with objects of the namespace instead of paths. */
export const writtenExchange: WrittenParser<Exchange> = (value, where, report, mount) =>
  parseExchange(value, where, report, {
    key: (name, { written }) => written?.key ?? name,
    parse: ({ parse, written }) =>
      written ? (raw, place, complain) => written.parse(raw, place, complain, mount) : parse,
  })

function parseExchange(value: unknown, where: string, report: Report, form: Form): Exchange | undefined {
  const problems: Problem[] = []
  const collect: Report = (problem) => problems.push(problem)
  const parsed = isRecord(value) ? parseMembers(value, where, collect, form) : undefined
  if (!isRecord(value)) collect({ where, value: kindOf(value), allowed: 'a mapping with `preset` or `type`' })
  if (parsed !== undefined && problems.length === 0)
    rejectContradictions(expandExchange(parsed), (name) => `${where}.${writtenName(parsed, name, form)}`, collect)
  problems.forEach(report)
  return problems.length === 0 ? parsed : undefined
}

function parseMembers(
  value: Readonly<Record<string, unknown>>,
  where: string,
  report: Report,
  form: Form,
): Exchange | undefined {
  const kind = readKind(value, where, report)
  if (kind === undefined) return undefined
  const rows = Object.entries(fieldsOf(kind))
  rejectUnknown(value, [...Object.keys(kind), ...rows.map(([name, field]) => form.key(name, field))], where, report)
  const members: Record<string, unknown> = { ...kind }
  for (const [name, field] of rows) {
    const key = form.key(name, field)
    const raw = value[key]
    const place = `${where}.${key}`
    if (raw !== undefined) members[name] = form.parse(field)(raw, place, report)
    else if (field.required) report({ where: place, value: undefined, allowed: 'a value; it has no default' })
  }
  return members as unknown as Exchange
}

type Kind = Pick<Extract<Exchange, { type: unknown }>, 'type'> | Pick<Extract<Exchange, { preset: unknown }>, 'preset'>

function readKind(value: Readonly<Record<string, unknown>>, where: string, report: Report): Kind | undefined {
  const { preset, type } = value
  if ((preset === undefined) === (type === undefined)) {
    const allowed = `either preset (${PRESET_NAMES.join(', ')}) or type (${EXCHANGE_TYPE_NAMES.join(', ')})`
    report({ where, value: preset === undefined ? 'neither' : 'both', allowed })
    return undefined
  }
  if (type === undefined) {
    const name = stringField(oneOf(...PRESET_NAMES))(preset, `${where}.preset`, report)
    return name === undefined ? undefined : { preset: name }
  }
  const name = stringField(oneOf(...EXCHANGE_TYPE_NAMES))(type, `${where}.type`, report)
  return name === undefined ? undefined : { type: name }
}

const fieldsOf = (kind: Kind): Fields =>
  'preset' in kind ? PRESETS[kind.preset].parameters : EXCHANGE_TYPES[kind.type]

function writtenName(parsed: Exchange, name: string, form: Form): string {
  const fields: Fields = 'preset' in parsed ? PRESETS[parsed.preset].parameters : EXCHANGE_TYPES[parsed.type]
  const field = fields[name]
  return field === undefined ? name : form.key(name, field)
}
