import type { Parsed } from './parsers.ts'
import { accepted, refused } from './parsers.ts'
import { quote } from './problem.ts'

/**
 * Reads JSON that a person wrote. SECURITY: of two members with one name `JSON.parse` keeps the last, and its author may have looked at
 * the first. RFC 8259 §4.
 * @returns undefined when it is no JSON.
 */
export function parseJson(text: string): Parsed<unknown> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const repeated = repeatedMember(text)
  return repeated === undefined ? accepted(value) : refused(`JSON that names every member once (${repeated})`)
}

/** @returns the items of a JSON array that a person wrote. @param allowed what it is a list of, for who wrote something else. */
export function parseList(json: string, allowed: string): Parsed<readonly unknown[]> {
  const parsed = parseJson(json)
  if (parsed?.ok === false) return parsed
  return Array.isArray(parsed?.value) ? accepted(parsed.value) : refused(allowed)
}

/** In JSON that is valid, what a colon follows is the name of a member. */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?|[{}]/g

/** @returns where a member comes again, and which; undefined when none does. */
function repeatedMember(text: string): string | undefined {
  const open: Set<string>[] = []
  for (const { 0: token, 1: colon = '', index } of text.matchAll(TOKENS)) {
    if (token === '{') open.push(new Set())
    else if (token === '}') open.pop()
    else if (colon !== '') {
      const name = JSON.parse(token.slice(0, -colon.length)) as string
      const names = open.at(-1)
      if (names?.has(name)) return `line ${text.slice(0, index).split('\n').length}: ${quote(name)} comes again`
      names?.add(name)
    }
  }
  return undefined
}
