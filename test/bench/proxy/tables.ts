import type { Bar, Cell, Table } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import type { Lane } from './lanes.ts'
import { cpu, FLOOR, samplesOf, YARDSTICK } from './samples.ts'
import type { LaneSamples, Sample, Value } from './samples.ts'

/** A table per lane: medians over the rounds. */
export function tablesOf(samples: readonly Sample[]): readonly Table[] {
  const lanes = [...new Set(samples.map(({ lane }) => lane))]
  return lanes.map((lane) => (lane.perSecond === undefined ? throughput : paced)(lane, samples))
}

type Column = readonly [string, (target: string) => Cell]

function throughput(lane: Lane, samples: readonly Sample[]): Table {
  const of = samplesOf(samples, lane.name)
  return table(lane, samples, [
    ...cpuColumns(of),
    ['requests/s', middle(of, ({ perSecond }) => Math.round(perSecond))],
    ['p50 ms', middle(of, ({ latency }) => latency.p50)],
    ['p99 ms', middle(of, ({ latency }) => latency.p99)],
    ['peak RSS MiB', middle(of, ({ peakBytes }) => peakBytes && Math.round(peakBytes / 2 ** 20))],
  ])
}

function paced(lane: Lane, samples: readonly Sample[]): Table {
  const of = samplesOf(samples, lane.name)
  const late = [0.5, 0.99].map((share) =>
    of.values(FLOOR, ({ lateness }) => (share === 0.5 ? lateness?.p50 : lateness?.p99)),
  )
  const [p50 = Number.NaN, p99 = Number.NaN] = late.map(median)
  return {
    ...table(lane, samples, [
      ...cpuColumns(of),
      ['p50 ms', middle(of, ({ latency }) => latency.p50)],
      ['p90', middle(of, ({ latency }) => latency.p90)],
      ['p99', middle(of, ({ latency }) => latency.p99)],
      ['p99.9', middle(of, ({ latency }) => latency.p999)],
      ['max', middle(of, ({ latency }) => latency.max)],
      ['p50 added', middle(of, of.added)],
      [`× ${YARDSTICK}'s`, (target) => (target === FLOOR ? undefined : of.ratio(target, YARDSTICK, of.added))],
    ]),
    notes: [
      `Latency counts from the time a request was due. The generator itself was late by ${p50.toFixed(2)} ms (p50) and ${p99.toFixed(2)} ms (p99), which is in every figure and in no difference. ` +
        `"Added" is over ${FLOOR}: a call in clear text without a proxy.`,
    ],
  }
}

function cpuColumns(of: LaneSamples): Column[] {
  return [
    ['CPU-s/10k', middle(of, cpu)],
    ['min–max', (target) => rangeOf(of.values(target, cpu))],
    [`× ${YARDSTICK}`, (target) => of.ratio(target, YARDSTICK, cpu)],
  ]
}

function table({ name, title }: Lane, samples: readonly Sample[], columns: readonly Column[]): Table {
  const targets = new Set(samples.filter(({ lane }) => lane.name === name).map(({ target }) => target))
  return {
    title,
    columns: ['target', ...columns.map(([column]) => column)],
    rows: [...targets].map((target) => [target, ...columns.map(([, cell]) => cell(target))]),
  }
}

const middle =
  (of: LaneSamples, value: Value): Column[1] =>
  (target) => {
    const values = of.values(target, value)
    return values.length === 0 ? undefined : median(values)
  }

/** Smallest and largest. */
export const rangeOf = (values: readonly number[]): Cell =>
  values.length === 0 ? undefined : `${Math.min(...values).toPrecision(3)}–${Math.max(...values).toPrecision(3)}`

/** The limits that the proxy is held to, of the lanes that were run. */
export function barsOf(samples: readonly Sample[]): readonly Bar[] {
  const [https, h2, paced] = ['https', 'h2', 'rate-2000'].map((lane) => samplesOf(samples, lane)) as [
    LaneSamples,
    LaneSamples,
    LaneSamples,
  ]
  const bar = (what: string, bound: Bar['bound'], limit: number, measured: number | undefined): Bar => ({
    what,
    bound,
    limit,
    measured,
    unit: '×',
  })
  return [
    bar('CPU of the proxy beside nginx, https partner', 'at most', 4, https.ratio('proxy', 'nginx', cpu)),
    bar('CPU of the proxy beside Envoy, https partner', 'at most', 1.1, https.ratio('proxy', 'Envoy', cpu)),
    bar('CPU of the proxy beside its own before', 'at most', 1.03, https.ratio('proxy', 'proxy, before', cpu)),
    bar('CPU of the proxy beside http-proxy', 'at most', 0.5, https.ratio('proxy', 'http-proxy', cpu)),
    bar('CPU of the reference beside the proxy, HTTP/1.1 only', 'at least', 5, https.ratio('reference', 'proxy', cpu)),
    bar('CPU of the proxy beside the reference, HTTP/2 offered', 'at most', 1, h2.ratio('proxy', 'reference', cpu)),
    bar('p50 added at 2,000/s beside nginx', 'at most', 3, paced.ratio('proxy', 'nginx', paced.added)),
  ]
}
