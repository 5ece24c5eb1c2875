import { Registry, collectDefaultMetrics } from 'prom-client'
import type { Metric } from 'prom-client'
import { createAmount } from './amount.ts'
import { createHistogram } from './histogram.ts'
import type { Bound, Instrument, MetricRow, MetricsTable, Sample } from './instrument.ts'

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
