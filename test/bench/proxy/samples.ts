import { median } from '../report/statistics.ts'
import type { Lane } from './lanes.ts'
import type { LoadResult } from './load.ts'
import type { PacedResult } from './paced.ts'

/** One target in one round of one lane, whatever was measured. */
export interface Measured {
  readonly lane: { readonly name: string }
  readonly target: string
  readonly round: number
  /** Of the target; undefined for the partner itself. */
  readonly cpuPer10k: number | undefined
}

/** One target of this bench in one round of one lane. */
export interface Sample extends Measured, LoadResult, Partial<Pick<PacedResult, 'lateness'>> {
  readonly lane: Lane
  readonly peakBytes: number | undefined
}

/** What every target is compared with. */
export const YARDSTICK = 'nginx'
/** The floor of what a proxy adds. */
export const FLOOR = 'direct, http'

/** Questions about the samples of one lane. Ratios are medians of the ratios within a round, so that a slow minute hurts all alike. */
export interface Rounds<S extends Measured> {
  /** The values of one target in all rounds. */
  values(target: string, value: ValueOf<S>): number[]
  /** How many times as much as the other; undefined where one was not measured. */
  ratio(target: string, other: string, value: ValueOf<S>): number | undefined
  /** The sample of a target in a round. */
  find(target: string, round: number): S | undefined
}

type ValueOf<S> = (sample: S) => number | undefined

export type Value = ValueOf<Sample>

export const cpu = ({ cpuPer10k }: Measured): number | undefined => cpuPer10k

export function roundsOf<S extends Measured>(samples: readonly S[], lane: string): Rounds<S> {
  const own = samples.filter((sample) => sample.lane.name === lane)
  const find = (target: string, round: number): S | undefined =>
    own.find((sample) => sample.target === target && sample.round === round)
  return {
    find,
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
  }
}

/** Those of this bench. */
export interface LaneSamples extends Rounds<Sample> {
  /** Milliseconds by which the median is above that of a call without a proxy. */
  added: Value
}

export function samplesOf(samples: readonly Sample[], lane: string): LaneSamples {
  const rounds = roundsOf(samples, lane)
  return {
    ...rounds,
    added: ({ latency, round }) => {
      const floor = rounds.find(FLOOR, round)
      return floor && latency.p50 - floor.latency.p50
    },
  }
}
