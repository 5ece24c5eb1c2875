import { Registry, collectDefaultMetrics } from 'prom-client'
import type { Metric } from 'prom-client'
import { createAmount } from './amount.ts'
import { createHistogram } from './histogram.ts'

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

/** One line of a scrape, as the registry of prom-client takes it. */
export interface Sample {
  readonly metricName: string
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
}

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
  const metric = row.type === 'histogram' ? createHistogram(row) : createAmount(row)
  registry.registerMetric(scraped(row, metric.values))
  return metric
}

/** What the registry asks of a metric: its name, and for a scrape its values. */
function scraped({ name, help, type }: MetricRow, values: () => readonly Sample[]): Metric {
  const get = (): Promise<object> => Promise.resolve({ name, help, type, values: values() })
  return { name, help, type, get } as unknown as Metric
}
