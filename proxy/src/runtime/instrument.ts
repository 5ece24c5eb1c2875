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
