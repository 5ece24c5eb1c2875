// Parsers over values as JSON or YAML gives them, and over the text of an annotation.
import type { Parsed, Parser } from './parsers.ts'
import { duration, integer, refused } from './parsers.ts'
import type { Report } from './problem.ts'

/** Parses one value; reports what is wrong under `where` and then returns undefined. */
export type FieldParser<T> = (value: unknown, where: string, report: Report) => T | undefined

/** The same over the text of an annotation. */
export type TextParser<T> = (text: string, where: string, report: Report) => T | undefined

/** A string, by one of the text parsers. */
export const stringField =
  <T>(parse: Parser<T>): FieldParser<T> =>
  (value, where, report) => {
    const parsed: Parsed<T> = typeof value === 'string' ? parse(value) : refused('a string; quote it')
    if (parsed.ok) return parsed.value
    report({ where, value: show(value), allowed: parsed.allowed })
    return undefined
  }

/** The same where a secret may stand in place of what is wanted. SECURITY: no report repeats the value. */
export const hiddenField =
  <T>(parse: Parser<T>): FieldParser<T> =>
  (value, where, report) => {
    const parsed: Parsed<T> = typeof value === 'string' ? parse(value) : refused('a string; quote it')
    if (parsed.ok) return parsed.value
    report({ where, value: kindOf(value), allowed: `${parsed.allowed}; never the secret itself` })
    return undefined
  }

/** @returns what a value is, for a report that must not repeat it; undefined for none. */
export function kindOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return Array.isArray(value) ? 'a list' : typeof value === 'object' ? 'a mapping' : 'a value'
}

/**
 * @returns the text of several values for a report, or what it is when one of them may be a secret.
 * SECURITY: by words, because a text that nothing can parse has no fields to tell apart.
 */
export const withoutSecrets = (text: string): string =>
  /secret|passw|exchange|@/i.test(text) ? `${text.length} characters` : text

/** A list of strings with `minimum` to `maximum` items, each reported under its own index. */
export const listField =
  <T>(parse: Parser<T>, minimum: number, maximum: number): FieldParser<readonly T[]> =>
  (value, where, report) => {
    if (!Array.isArray(value) || value.length < minimum || value.length > maximum) {
      report({ where, value: show(value), allowed: `a list of ${minimum} to ${maximum} strings` })
      return undefined
    }
    const items = value.map((item: unknown, index) => stringField(parse)(item, `${where}[${index}]`, report))
    return items.every((item) => item !== undefined) ? items : undefined
  }

/** More than any list of an annotation may have. */
export const MOST_ITEMS = 250

/** A comma separated text as a list. */
export const separated =
  <T>(parse: FieldParser<readonly T[]>): TextParser<readonly T[]> =>
  (text, where, report) =>
    parse(
      // One more than any list may have is enough to be refused.
      text.split(',', MOST_ITEMS + 1).map((item) => item.trim()),
      where,
      report,
    )

interface Bounds {
  readonly minimum: number
  readonly maximum: number
}

/** Whole seconds, as a number or as digits. */
export const seconds = ({ minimum, maximum }: Bounds): FieldParser<number> =>
  numberOr(stringField(integer(minimum, maximum)))

/** Seconds, or a text with a unit such as `15m`. YAML makes plain seconds a number. */
export const writtenDuration = ({ minimum, maximum }: Bounds): FieldParser<number> =>
  numberOr(stringField(duration(minimum, maximum)))

const numberOr =
  <T>(parse: FieldParser<T>): FieldParser<T> =>
  (value, where, report) =>
    parse(typeof value === 'number' ? String(value) : value, where, report)

/** Reports every key that is not one of `known`, so that a misspelt field is never silently its default. */
export function rejectUnknown(value: object, known: readonly string[], where: string, report: Report): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      report({ where: where === '' ? key : `${where}.${key}`, value: key, allowed: `one of ${known.join(', ')}` })
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @returns a value as its author would recognise it, undefined for none; what is large or deep is cut. */
export function show(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return value === undefined ? undefined : JSON.stringify(outline(value, SHOWN_DEPTH))
}

const SHOWN_DEPTH = 3
const SHOWN_ENTRIES = 20

function outline(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === 0) return '...'
  if (Array.isArray(value)) return value.slice(0, SHOWN_ENTRIES).map((item) => outline(item, depth - 1))
  const entries = Object.entries(value).slice(0, SHOWN_ENTRIES)
  return Object.fromEntries(entries.map(([key, item]) => [key, outline(item, depth - 1)]))
}
