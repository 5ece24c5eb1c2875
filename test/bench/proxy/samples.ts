import { median } from '../report/statistics.ts'
import type { Lane } from './lanes.ts'
import type { LoadResult } from './load.ts'
import type { PacedResult } from './paced.ts'

/** One target in one round of one lane. */
export interface Sample extends LoadResult, Partial<Pick<PacedResult, 'lateness'>> {
  readonly lane: Lane
  readonly target: string
  readonly round: number
  /** Of the target; undefined for the partner itself. */
  readonly cpuPer10k: number | undefined
  readonly peakBytes: number | undefined
}

/** What every target is compared with. */
export const YARDSTICK = 'nginx'
/** The floor of what a proxy adds. */
export const FLOOR = 'direct, http'

/** Questions about the samples of one lane. Ratios are medians of the ratios within a round, so that a slow minute hurts all alike. */
export interface LaneSamples {
  /** The values of one target in all rounds. */
  values(target: string, value: Value): number[]
  /** How many times as much as the other; undefined where one was not measured. */
  ratio(target: string, other: string, value: Value): number | undefined
  /** Milliseconds by which the median is above that of a call without a proxy. */
  added: Value
}

export type Value = (sample: Sample) => number | undefined

export const cpu: Value = ({ cpuPer10k }) => cpuPer10k

export function samplesOf(samples: readonly Sample[], lane: string): LaneSamples {
  const own = samples.filter((sample) => sample.lane.name === lane)
  const find = (target: string, round: number): Sample | undefined =>
    own.find((sample) => sample.target === target && sample.round === round)
  return {
    values: (target, value) =>
      own
        .filter((sample) => sample.target === target)
        .map(value)
        .filter((one) => one !== undefined),
    ratio: (target, other, value) => {
      const ratios = own
        .filter((sample) => sample.target === target)
        .flatMap((sample) => {
          const [a, b] = [sample, find(other, sample.round)].map((one) => one && value(one))
          return a === undefined || b === undefined ? [] : [a / b]
        })
      return ratios.length === 0 ? undefined : median(ratios)
    },
    added: ({ latency, round }) => {
      const floor = find(FLOOR, round)
      return floor && latency.p50 - floor.latency.p50
    },
  }
}
