import type { LoadResult } from './load.ts'
import { median } from './measure.ts'

export interface Sample extends LoadResult {
  readonly lane: string
  readonly target: string
  readonly round: number
  readonly cpuPer10k: number
  readonly peakBytes: number
}

/** What every target is compared with. */
const YARDSTICK = 'nginx'

/** A Markdown table per lane: medians over the rounds; ratios are medians of the ratios within a round, so that a slow minute hurts all alike. */
export function report(samples: readonly Sample[]): string {
  const lanes = [...new Set(samples.map(({ lane }) => lane))]
  return lanes
    .map((lane) =>
      table(
        lane,
        samples.filter((sample) => sample.lane === lane),
      ),
    )
    .join('\n')
}

function table(lane: string, samples: readonly Sample[]): string {
  const targets = [...new Set(samples.map(({ target }) => target))]
  const rows = targets.map((target) => {
    const own = samples.filter((sample) => sample.target === target)
    const cpu = own.map(({ cpuPer10k }) => cpuPer10k)
    const cells = [
      target,
      `${median(cpu).toFixed(3)} [${Math.min(...cpu).toFixed(3)}–${Math.max(...cpu).toFixed(3)}]`,
      ratio(own, samples),
      Math.round(median(own.map(({ perSecond }) => perSecond))).toLocaleString('en'),
      median(own.map(({ p50Ms }) => p50Ms)).toFixed(1),
      median(own.map(({ p99Ms }) => p99Ms)).toFixed(1),
      Math.round(Math.max(...own.map(({ peakBytes }) => peakBytes)) / 2 ** 20),
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    `\n${lane}`,
    '',
    `| target | CPU-s/10k [min–max] | × ${YARDSTICK} | requests/s | p50 ms | p99 ms | peak RSS MiB |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function ratio(own: readonly Sample[], all: readonly Sample[]): string {
  const ratios = own.flatMap(({ round, cpuPer10k }) => {
    const yardstick = all.find((sample) => sample.target === YARDSTICK && sample.round === round)
    return yardstick ? [cpuPer10k / yardstick.cpuPer10k] : []
  })
  return ratios.length === 0 ? '–' : median(ratios).toFixed(2)
}
