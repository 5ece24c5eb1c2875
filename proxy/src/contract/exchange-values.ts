// What the fields of an exchange may hold. SECURITY: an author may write a secret where none belongs, so no report here repeats a
// value that could be one.
import type { FieldParser } from './fields.ts'
import { isRecord, kindOf, show } from './fields.ts'
import { parseHostPattern } from './host-pattern.ts'
import type { Parser } from './parsers.ts'
import { accepted, refused } from './parsers.ts'
import { headerNameText } from './route-values.ts'

const MOST_PARAMETERS = 20
const CHARACTERS = 1000

/** Any text that fits a form field or a JSON string. */
export const valueText: Parser<string> = (value) =>
  value.length >= 1 && value.length <= CHARACTERS && !/\p{Cc}/u.test(value)
    ? accepted(value)
    : refused(`1 to ${CHARACTERS} characters, none of them a control character`)

/** @param form as the end of the sentence "expected …". */
export const matching =
  (pattern: RegExp, form: string): Parser<string> =>
  (value) =>
    pattern.test(value) ? accepted(value) : refused(form)

/** Names, numbers and UUIDs as vendors give them. */
export const identifierText = matching(/^[\w.:@/+-]{1,256}$/, '1 to 256 letters, digits or ._:@/+-')

/** RFC 6749 §3.3. */
export const scopeText = matching(
  /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/,
  'scopes with one space between',
)

/** A URN or URL as RFC 8693 §3 names types. */
export const typeText = matching(
  /^[a-zA-Z][\w+.-]*:[\x21-\x7e]{1,256}$/,
  'a URI such as urn:ietf:params:oauth:token-type:jwt',
)

/** One host, without a scheme, and with a port where it is not 443. */
export const bareHostText: Parser<string> = (value) => {
  const parsed = parseHostPattern(value)
  return parsed.ok && !parsed.value.wildcard
    ? accepted(value)
    : refused('a DNS name without https://, with an optional :port')
}

/** The whole URL of an endpoint. RFC 6749 §3.2: it may have a query, never a fragment. */
export const endpointUrl = httpsUrl(
  /^https:\/\/([^/?#\s]+)(?:[/?][\x21\x22\x24-\x7e]*)?$/,
  'an https URL with a DNS name and no fragment',
)

/** A URL to which paths are added. */
export const baseUrl = httpsUrl(
  /^https:\/\/([^/?#\s]+)(?:\/[\w.~!$&'()*+,;=:@%-]+)*$/,
  'an https URL with a DNS name, without query, fragment or a slash at its end',
)

/** @returns the URL as written: an audience may be made from it. */
function httpsUrl(form: RegExp, allowed: string): FieldParser<string> {
  return (value, where, report) => {
    const authority = typeof value === 'string' ? (form.exec(value)?.[1] ?? '') : ''
    const host = parseHostPattern(authority)
    if (typeof value === 'string' && host.ok && !host.value.wildcard) return value
    // SECURITY: what stands before an @ is a password as often as not.
    report({
      where,
      value: show(value)?.replace(/^.*@/s, '***@'),
      allowed: `${allowed}; no user name or password in it`,
    })
    return undefined
  }
}

/** Parameters that have a field of their own, or are made by the exchange. */
const OWN_PARAMETERS = new Set(
  'assertion audience client_assertion client_assertion_type client_id grant_type jwt requested_token_type resource scope subject_token subject_token_type'.split(
    ' ',
  ),
)
const OWN_HEADERS = new Set(['accept', 'content-type', 'x-vault-namespace'])
const SECRETS = /secret|passw|credential|private[-_]?key|api[-_]?key|^code$|^(?:.*[-_])?token$|authorization|cookie/i

/** Vendor's own parameters. */
export const parameters = entries(
  (name) => /^[\w.:-]{1,100}$/.test(name) && !OWN_PARAMETERS.has(name) && !SECRETS.test(name),
  (value) => valueText(value).ok,
  `a quoted text under the name of a parameter that has no field of its own; a secret only as {secret, key} of clientSecret`,
)

/** Headers of the request to the token endpoint. RFC 9110 §5.5. */
export const exchangeHeaders = entries(
  (name) => headerNameText(name).ok && !OWN_HEADERS.has(name.toLowerCase()) && !SECRETS.test(name),
  (value) => /^[\x21-\x7e](?:[\x20-\x7e]{0,998}[\x21-\x7e])?$/.test(value),
  'a quoted text of visible characters under a header name that is not Authorization, Accept, Content-Type, framing, hop-by-hop or for secrets',
)

function entries(
  isName: (name: string) => boolean,
  isValue: (value: string) => boolean,
  allowed: string,
): FieldParser<Readonly<Record<string, string>>> {
  return (value, where, report) => {
    if (!isRecord(value) || Object.keys(value).length > MOST_PARAMETERS) {
      report({ where, value: kindOf(value), allowed: `at most ${MOST_PARAMETERS} entries, each name: value` })
      return undefined
    }
    const seen = new Set<string>()
    const wrong = Object.entries(value).filter(([name, text]) => {
      const valid = isName(name) && typeof text === 'string' && isValue(text) && !seen.has(name.toLowerCase())
      seen.add(name.toLowerCase())
      // SECURITY: the name alone.
      if (!valid) report({ where: `${where}.${name}`, value: name, allowed })
      return !valid
    })
    return wrong.length === 0 ? (value as Readonly<Record<string, string>>) : undefined
  }
}
