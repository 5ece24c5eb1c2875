import { Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client'
import type { Metric } from 'prom-client'
import { createHistogram } from './histogram.ts'
import type { HistogramValue } from './histogram.ts'

/** One metric: a row of the table that instruments and docs are made from. */
export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly name: string
  /** One sentence for the scrape and the docs. */
  readonly help: string
  /** SECURITY: bounded sets only (rule names, codes, reasons), never hosts, URLs or annotation values. */
  readonly labels: readonly string[]
  /** Upper bounds of a histogram, in the metric's unit. */
  readonly buckets?: readonly number[]
}

export type MetricsTable = Readonly<Record<string, MetricRow>>

type Labels<Row extends MetricRow> = Readonly<Record<Row['labels'][number], string>>

/** A metric with its labels fixed, for hot paths: one lookup when made, none when used. */
export interface Bound {
  /** Adds to a counter or gauge; records in a histogram. */
  add(value?: number): void
  /** Sets a gauge. */
  set(value: number): void
}

export interface Instrument<Row extends MetricRow> {
  with(labels: Labels<Row>): Bound
  /** Ends the series with these labels: what it described is gone. */
  remove(labels: Labels<Row>): void
}

export interface Metrics<Table extends MetricsTable> {
  readonly instruments: { readonly [Name in keyof Table]: Instrument<Table[Name]> }
  /** The scrape, in the Prometheus text format. */
  readonly render: () => Promise<{ readonly contentType: string; readonly body: string }>
}

/** Creates the instruments of a table in a registry of their own; `enabled: false` makes them free. */
export function createMetrics<const Table extends MetricsTable>(table: Table, enabled = true): Metrics<Table> {
  const registry = new Registry()
  if (enabled) collectDefaultMetrics({ register: registry })
  const instruments = Object.fromEntries(
    Object.entries(table).map(([name, row]) => [name, enabled ? createInstrument(row, registry) : FREE]),
  )
  return {
    instruments: instruments as Metrics<Table>['instruments'],
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

const nothing = (): void => undefined
const NOTHING: Bound = { add: nothing, set: nothing }
const FREE: Instrument<MetricRow> = { with: () => NOTHING, remove: nothing }

function createInstrument(row: MetricRow, registry: Registry): Instrument<MetricRow> {
  const options = { name: row.name, help: row.help, labelNames: [...row.labels], registers: [registry] }
  switch (row.type) {
    case 'counter': {
      const counter = new Counter(options)
      return {
        with: (labels) => {
          const child = counter.labels(labels)
          return { add: (value = 1) => child.inc(value), set: nothing }
        },
        remove: (labels) => counter.remove(labels),
      }
    }
    case 'gauge': {
      const gauge = new Gauge(options)
      return {
        with: (labels) => {
          const child = gauge.labels(labels)
          return { add: (value = 1) => child.inc(value), set: (value) => child.set(value) }
        },
        remove: (labels) => gauge.remove(labels),
      }
    }
    case 'histogram': {
      const histogram = createHistogram(row)
      registry.registerMetric(scraped(row, histogram.values))
      return histogram
    }
  }
}

/** What the registry asks of a metric: its name, and for a scrape its values. */
function scraped({ name, help, type }: MetricRow, values: () => readonly HistogramValue[]): Metric {
  const get = (): Promise<object> => Promise.resolve({ name, help, type, values: values() })
  return { name, help, type, get } as unknown as Metric
}
