// Parsers of single text values, shared by the proxy's settings and the webhook's settings and annotations.

/** A value, or the allowed form to tell the author. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly allowed: string }

export type Parser<T> = (text: string) => Parsed<T>

export const accepted = <T>(value: T): Parsed<T> => ({ ok: true, value })
export const refused = (allowed: string): { readonly ok: false; readonly allowed: string } => ({ ok: false, allowed })

export const text: Parser<string> = accepted

/** The empty text means "not set". */
export const optional =
  <T>(parse: Parser<T>): Parser<T | undefined> =>
  (value) =>
    value === '' ? accepted(undefined) : parse(value)

export function oneOf<const T extends string>(...allowed: readonly T[]): Parser<T> {
  const sentence = allowed.join(' or ')
  return (value) => {
    const found = allowed.find((candidate) => candidate === value)
    return found === undefined ? refused(sentence) : accepted(found)
  }
}

/** SECURITY: absolute only, so that the meaning does not depend on where the process starts. */
export const absolutePath: Parser<string> = (value) =>
  value.startsWith('/') ? accepted(value) : refused('an absolute path')

const booleanWord = oneOf('true', 'false')
export const boolean: Parser<boolean> = (value) => {
  const word = booleanWord(value)
  return word.ok ? accepted(word.value === 'true') : word
}

export const integer =
  (minimum: number, maximum: number): Parser<number> =>
  (value) =>
    /^\d{1,15}$/.test(value) && Number(value) >= minimum && Number(value) <= maximum
      ? accepted(Number(value))
      : refused(`a whole number from ${minimum} to ${maximum}`)

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600 }

/** `15m`, `900s`, `1h` or plain seconds, within bounds. @returns whole seconds. */
export const duration =
  (minimumSeconds: number, maximumSeconds: number): Parser<number> =>
  (value) => {
    const match = /^(\d{1,7})([smh]?)$/.exec(value)
    const seconds = match ? Number(match[1]) * (SECONDS_PER_UNIT[match[2] ?? ''] ?? Number.NaN) : Number.NaN
    return seconds >= minimumSeconds && seconds <= maximumSeconds
      ? accepted(seconds)
      : refused(`a duration from ${minimumSeconds}s to ${maximumSeconds}s, such as 15m, 900s or 900`)
  }

/** Comma separated items, trimmed; empty items are refused because they are usually a typing mistake. */
export const csv =
  <T>(parse: Parser<T>): Parser<readonly T[]> =>
  (value) => {
    const values: T[] = []
    for (const item of value.split(',').map((part) => part.trim())) {
      if (item === '') return refused('comma separated items, none of them empty')
      const parsed = parse(item)
      if (!parsed.ok) return refused(`comma separated items, each ${parsed.allowed}`)
      values.push(parsed.value)
    }
    return accepted(values)
  }
