import type { Parsed, Parser } from '@aws-outbound-jwt-injector/proxy/contract'
import { accepted, refused } from '@aws-outbound-jwt-injector/proxy/contract'

/** Source: apimachinery/pkg/api/resource/suffix.go. */
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const BINARY: Readonly<Record<string, bigint>> = { Ki: 1n, Mi: 2n, Gi: 3n, Ti: 4n, Pi: 5n, Ei: 6n }

/** Kubernetes knows no smaller differences than billionths. */
const DIGITS_KEPT = 9

/**
 * @returns the quantity in billionths, exactly; undefined when it is none.
 * Source: apimachinery/pkg/api/resource/quantity.go.
 */
export function quantityOf(value: unknown): bigint | undefined {
  const match = /^\+?(\d{0,30})\.?((?<=\.)\d{0,30})?([KMGTPE]i|[eE][+-]?\d{1,2}|[numkMGTPE])?$/.exec(textOf(value))
  const [, whole = '', fraction = '', suffix = ''] = match ?? []
  if (whole + fraction === '') return undefined
  const binary = BINARY[suffix]
  const power = binary === undefined ? (DECIMAL[suffix] ?? Number(suffix.slice(1))) : 0
  const exponent = power - fraction.length + DIGITS_KEPT
  const digits = BigInt(whole + fraction) * 1024n ** (binary ?? 0n)
  return exponent >= 0 ? digits * 10n ** BigInt(exponent) : digits / 10n ** BigInt(-exponent)
}

/** JSON may carry a quantity as a number. */
const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' ? String(value) : ''

/** CPU in cores or thousandths, above zero. */
export const cpuQuantity: Parser<string> = (value) =>
  positive(value, /^(?:\d{1,6}m|\d{1,4}(?:\.\d{1,3})?)$/, 'CPU in cores or thousandths, such as 0.5 or 10m')

/** Memory in bytes, above zero. */
export const memoryQuantity: Parser<string> = (value) =>
  positive(value, /^\d{1,12}(?:Ki|Mi|Gi|k|M|G)?$/, 'memory in bytes, such as 128Mi')

const positive = (value: string, form: RegExp, allowed: string): Parsed<string> =>
  form.test(value) && quantityOf(value) !== 0n ? accepted(value) : refused(allowed)
