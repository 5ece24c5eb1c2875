import type { Bound, Instrument, MetricRow, Sample } from './instrument.ts'

export interface Amount extends Instrument<MetricRow> {
  /** One line for every series that something has happened to; without labels there is one from the start. */
  values(): readonly Sample[]
}

/**
 * A counter or a gauge: a number for each combination of labels. prom-client's own checks and hashes the labels with every call,
 * and a request or tunnel makes three to five; the scrape is still written by prom-client.
 */
export function createAmount({ name, labels: labelNames }: MetricRow): Amount {
  const known = new Map<string, Series>()
  const find = (labels: Readonly<Record<string, string>>): Series => {
    const key = labelNames.map((label) => labels[label]).join('\n')
    let series = known.get(key)
    if (!series) known.set(key, (series = new Series(labels)))
    return series
  }
  if (labelNames.length === 0) find({}).set(0)
  return {
    with: find,
    remove: (labels) => find(labels).clear(),
    values: () =>
      [...known.values()].flatMap(({ labels, value }) =>
        value === undefined ? [] : [{ metricName: name, labels, value }],
      ),
  }
}

class Series implements Bound {
  readonly labels: Readonly<Record<string, string>>
  value: number | undefined

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels
  }

  add(value = 1): void {
    this.value = (this.value ?? 0) + value
  }

  set(value: number): void {
    this.value = value
  }

  clear(): void {
    this.value = undefined
  }
}
