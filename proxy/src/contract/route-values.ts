// What the fields of a route may hold.
import type { FieldParser, TextParser } from './fields.ts'
import { isRecord, rejectUnknown, show, stringField } from './fields.ts'
import { formatHostPattern, parseHostPattern } from './host-pattern.ts'
import type { Parser } from './parsers.ts'
import { accepted, refused } from './parsers.ts'

/** The header that carries the token: `<name>: <scheme> <token>`, or `<name>: <token>` when the scheme is empty. */
export interface TokenHeader {
  readonly name: string
  readonly scheme: string
}

/** How a token may be signed. The first is the one that every relying party accepts; several refuse the other. */
export const SIGNING_ALGORITHMS = ['RS256', 'ES384'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

/** GetWebIdentityToken's own bounds, in seconds. */
export const DURATION_BOUNDS = { minimum: 60, maximum: 3600 } as const

/** Of a partner's time until its response head, in seconds. */
export const TIMEOUT_BOUNDS = { minimum: 1, maximum: 3600 } as const

/** UPSTREAM_TIMEOUT, which nothing sets in an injected pod. */
export const UPSTREAM_TIMEOUT_SECONDS = 120

/** More would not fit in one annotation of readable size. */
export const MOST_HOSTS = 100
export const AUDIENCE_ITEMS = 10
const AUDIENCE_CHARACTERS = 1000
/** STS takes no more. */
const MOST_TAGS = 50
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

export const hostText: Parser<string> = (value) => {
  const parsed = parseHostPattern(value)
  return parsed.ok ? accepted(formatHostPattern(parsed.value)) : parsed
}

export const audienceText: Parser<string> = (value) =>
  value.length >= 1 && value.length <= AUDIENCE_CHARACTERS && !/\p{Cc}/u.test(value)
    ? accepted(value)
    : refused(`an audience of 1 to ${AUDIENCE_CHARACTERS} characters, none of them a control character`)

export const nameText: Parser<string> = (value) =>
  /^[\w.*:-]{1,260}$/.test(value) ? accepted(value) : refused('1 to 260 letters, digits or ._*:-')

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

/** `key=value,key2=value2`. A value may contain `=`, not a comma; the annotation `routes` has a form for those. */
export const tagsText: TextParser<Readonly<Record<string, string>>> = (text, where, report) => {
  const pairs = new Map<string, string>()
  // One more than allowed is enough to be refused.
  for (const item of text.split(',', MOST_TAGS + 1).map((part) => part.trim())) {
    const equals = item.indexOf('=')
    const key = item.slice(0, equals).trim()
    if (equals < 1 || pairs.has(key)) {
      report({ where, value: item, allowed: 'key=value pairs with commas between, each key once' })
      return undefined
    }
    pairs.set(key, item.slice(equals + 1).trim())
  }
  return tags(Object.fromEntries(pairs), where, report)
}
