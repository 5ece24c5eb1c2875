import type { Report } from '@aws-outbound-jwt-injector/proxy/contract'
import { MOST_TAGS, tags } from '@aws-outbound-jwt-injector/proxy/contract'

/** Parses `key=value,key2=value2`. A value may contain `=`, not a comma; `routes` has a form for those. */
export function parseTags(text: string, where: string, report: Report): Readonly<Record<string, string>> | undefined {
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
