// Values as Go's flag package reads them, so that what people wrote for aws-outbound-jwt-proxy means the same here.
import type { Parser } from '../contract.ts'
import { accepted, refused } from '../contract.ts'

const SECONDS_PER_UNIT: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001 }
const TERM = '(\\d{1,9}(?:\\.\\d{0,9})?|\\.\\d{1,9})(h|ms|m|s)'
const TERMS = new RegExp(`^(?:${TERM})+$`)
const EACH_TERM = new RegExp(TERM, 'g')

/** `1h30m`, `1.5h`, `90s`, `500ms`, or plain seconds, within bounds. @returns seconds, in whole milliseconds. Source: Go's time.ParseDuration. */
export const goDuration =
  (minimumSeconds: number, maximumSeconds: number): Parser<number> =>
  (value) => {
    const seconds = /^\d{1,9}$/.test(value) ? Number(value) : sumOfTerms(value)
    return seconds >= minimumSeconds && seconds <= maximumSeconds
      ? accepted(seconds)
      : refused(`a duration from ${minimumSeconds}s to ${maximumSeconds}s, such as 1h30m, 90s or 900 (seconds)`)
  }

function sumOfTerms(value: string): number {
  if (!TERMS.test(value)) return Number.NaN
  let seconds = 0
  for (const [, amount, unit] of value.matchAll(EACH_TERM))
    seconds += Number(amount) * (SECONDS_PER_UNIT[unit as string] as number)
  return Math.round(seconds * 1000) / 1000
}

/** Source: Go's strconv.ParseBool. */
export const goBoolean: Parser<boolean> = (value) => {
  const word = value.toLowerCase()
  if (['true', 't', '1'].includes(word)) return accepted(true)
  return ['false', 'f', '0'].includes(word) ? accepted(false) : refused('true or false')
}

/** One of a few words, in upper or lower case. */
export function oneOfAnyCase<const T extends string>(...allowed: readonly T[]): Parser<T> {
  return (value) => {
    const found = allowed.find((candidate) => candidate.toLowerCase() === value.toLowerCase())
    return found === undefined ? refused(allowed.join(' or ')) : accepted(found)
  }
}
