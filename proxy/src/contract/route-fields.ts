// One parser per field of a route, over values as JSON or YAML gives them. ROUTES and the annotations share them.
import { formatHostPattern, parseHostPattern } from './host-pattern.ts'
import { absolutePath, accepted, integer, oneOf, refused } from './parsers.ts'
import type { Parsed, Parser } from './parsers.ts'
import type { Report } from './problem.ts'
import type { TokenHeader } from './route.ts'
import { DURATION_BOUNDS, TIMEOUT_BOUNDS } from './route.ts'

/** Parses one value; reports what is wrong under `where` and then returns undefined. */
export type FieldParser<T> = (value: unknown, where: string, report: Report) => T | undefined

export const AUDIENCE_ITEMS = 10
const AUDIENCE_CHARACTERS = 1000
/** STS takes no more. */
export const MOST_TAGS = 50
/** IAM tag characters. Source: the STS API reference, type Tag. */
const TAG_KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u
/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** SECURITY: a token in one of these would break framing, vanish on the next hop, or redirect the request. RFC 9110 §7.6.1. */
const RESERVED_HEADERS = new Set(
  'connection content-length cookie expect host http2-settings keep-alive te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
)

/** A string, by one of the text parsers. */
export const stringField =
  <T>(parse: Parser<T>): FieldParser<T> =>
  (value, where, report) => {
    const parsed: Parsed<T> = typeof value === 'string' ? parse(value) : refused('a string; quote it')
    if (parsed.ok) return parsed.value
    report({ where, value: show(value), allowed: parsed.allowed })
    return undefined
  }

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

/** More would not fit in one annotation of readable size. */
const HOSTS = 100

export const hostText: Parser<string> = (value) => {
  const parsed = parseHostPattern(value)
  return parsed.ok ? accepted(formatHostPattern(parsed.value)) : parsed
}

export const audienceText: Parser<string> = (value) =>
  value.length >= 1 && value.length <= AUDIENCE_CHARACTERS
    ? accepted(value)
    : refused(`an audience of 1 to ${AUDIENCE_CHARACTERS} characters`)

export const hosts = listField(hostText, 1, HOSTS)
export const audience = listField(audienceText, 1, AUDIENCE_ITEMS)
export const signingAlgorithm = stringField(oneOf('RS256', 'ES384'))
export const onExisting = stringField(oneOf('replace', 'keep', 'reject'))
export const https = stringField(oneOf('refuse', 'tunnel'))
export const name = stringField((value) =>
  /^[\w.*:-]{1,260}$/.test(value) ? accepted(value) : refused('1 to 260 letters, digits or ._*:-'),
)
export const caFile = stringField(absolutePath)

const seconds =
  ({ minimum, maximum }: { readonly minimum: number; readonly maximum: number }): FieldParser<number> =>
  (value, where, report) =>
    stringField(integer(minimum, maximum))(typeof value === 'number' ? String(value) : value, where, report)

export const durationSeconds = seconds(DURATION_BOUNDS)
export const timeoutSeconds = seconds(TIMEOUT_BOUNDS)

export const header: FieldParser<TokenHeader> = (value, where, report) => {
  if (!isRecord(value)) {
    report({ where, value: show(value), allowed: '{name: a header name, scheme: an authentication scheme or empty}' })
    return undefined
  }
  rejectUnknown(value, ['name', 'scheme'], where, report)
  const headerName = stringField(headerNameText)(value['name'] ?? 'Authorization', `${where}.name`, report)
  const scheme = stringField(schemeText)(value['scheme'] ?? 'Bearer', `${where}.scheme`, report)
  return headerName === undefined || scheme === undefined ? undefined : { name: headerName, scheme }
}

export const headerNameText: Parser<string> = (value) =>
  TOKEN.test(value) && !RESERVED_HEADERS.has(value.toLowerCase()) && !/^proxy-/i.test(value)
    ? accepted(value)
    : refused('a header name that is not a framing, hop-by-hop, Host, Cookie or Proxy-* header')
const schemeText: Parser<string> = (value) =>
  value === '' || TOKEN.test(value) ? accepted(value) : refused('an authentication scheme such as Bearer, or empty')

export const tags: FieldParser<Readonly<Record<string, string>>> = (value, where, report) => {
  const before = isRecord(value) ? Object.entries(value) : []
  if (!isRecord(value) || before.length > MOST_TAGS) {
    report({ where, value: show(value), allowed: `at most ${MOST_TAGS} tags, each key: value` })
    return undefined
  }
  const seen = new Set<string>()
  const problems = before.filter(([key, item]) => {
    const valid = TAG_KEY.test(key) && typeof item === 'string' && TAG_VALUE.test(item) && !seen.has(key.toLowerCase())
    seen.add(key.toLowerCase())
    if (!valid) report({ where: `${where}.${key}`, value: show(item), allowed: TAG_FORM })
    return !valid
  })
  return problems.length === 0 ? Object.fromEntries(before as [string, string][]) : undefined
}
const TAG_FORM =
  'a quoted string of at most 256 letters, digits, spaces or _.:/=+-@ under a key of 1 to 128 of them that is used once in any case'

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

/** @returns a value as its author would recognise it; what is large or deep is cut. */
export function show(value: unknown): string {
  if (typeof value === 'string') return value
  return value === undefined ? 'nothing' : JSON.stringify(outline(value, SHOWN_DEPTH))
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
