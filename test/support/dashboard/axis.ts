/** A vertical axis that begins at 0. */
export interface Axis {
  /** The highest value that it has room for. */
  readonly top: number
  readonly ticks: readonly { readonly at: number; readonly label: string }[]
}

/** From this value on, in parts of this size. */
type Scale = readonly [from: number, size: number, suffix: string]

/** By Grafana's name of the unit; the largest first. */
const SCALES: Readonly<Record<string, readonly Scale[]>> = {
  reqps: [[0, 1, '/s']],
  short: [[0, 1, '']],
  bytes: [
    [2 ** 20, 2 ** 20, ' MiB'],
    [0, 2 ** 10, ' KiB'],
  ],
  s: [
    [2 * 86_400, 86_400, ' d'],
    [2 * 3_600, 3_600, ' h'],
    [2 * 60, 60, ' min'],
    [1, 1, ' s'],
    [0, 1e-3, ' ms'],
  ],
}
/** Steps that people read with ease, times a power of ten. */
const STEPS = [1, 2, 5, 10]
const INTERVALS = 3

/** @returns an axis for values up to this one. */
export function axisFor(largest: number, unit: string): Axis {
  const [, size, suffix] = scaleFor(largest, unit)
  const rough = (largest > 0 ? largest : 1) / size / INTERVALS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * (STEPS.find((candidate) => candidate * power >= rough) ?? 1)
  const count = Math.max(1, Math.ceil(largest / size / step))
  const ticks = Array.from({ length: count + 1 }, (_, index) => ({
    at: index * step * size,
    label: index === 0 ? '0' : `${Number((index * step).toPrecision(3))}${suffix}`,
  }))
  return { top: count * step * size, ticks }
}

/** @returns a value as text, with its unit. */
export function formatValue(value: number, unit: string): string {
  const [, size, suffix] = scaleFor(value, unit)
  return `${Number((value / size).toPrecision(3))}${suffix}`
}

function scaleFor(value: number, unit: string): Scale {
  return SCALES[unit]?.find(([from]) => value >= from) ?? [0, 1, ` ${unit}`]
}
