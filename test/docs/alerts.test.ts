import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { parse } from 'yaml'
import { METRICS as PROXY } from '../../proxy/src/metrics.ts'
import type { MetricRow } from '../../proxy/src/runtime/index.ts'
import { METRICS as WEBHOOK } from '../../webhook/src/metrics.ts'

interface Alert {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}

const { spec } = parse(readFileSync('manifests/examples/alerts.yaml', 'utf8')) as {
  spec: { groups: { rules: Alert[] }[] }
}
const alerts = spec.groups.flatMap(({ rules }) => rules)
const page = readFileSync('docs/operations.md', 'utf8')

/** What the kubelet serves about containers. */
const FOREIGN: MetricRow[] = ['container_memory_working_set_bytes', 'container_spec_memory_limit_bytes'].map(
  (name) => ({ type: 'gauge', name, help: '', labels: ['container'] }),
)
/** What the API server counts about webhooks and policies. */
const API_SERVER: MetricRow[] = [
  { type: 'counter', name: 'apiserver_admission_webhook_rejection_count', help: '', labels: ['name', 'error_type'] },
  {
    type: 'counter',
    name: 'apiserver_validating_admission_policy_check_total',
    help: '',
    labels: ['policy', 'enforcement_action'],
  },
]
const rows: readonly MetricRow[] = [...Object.values(PROXY), ...Object.values(WEBHOOK), ...FOREIGN, ...API_SERVER]
/** Labels of a target, which Prometheus adds. */
const TARGET = ['namespace', 'pod']

/** Names of metrics: whatever has an underscore and is neither a function nor within `by (…)` or `{…}`. */
const metricsOf = (expression: string): string[] =>
  expression.replaceAll(/by \([^)]*\)|\{[^}]*\}/g, '').match(/\b[a-z]+_[a-z_]+\b(?!\()/g) ?? []

/** Rows of one name; the proxy and the webhook have a histogram of the same name. */
const rowsOf = (metric: string): MetricRow[] =>
  rows.filter(
    ({ type, name }) => name === (type === 'histogram' ? metric.replace(/_(?:count|sum|bucket)$/, '') : metric),
  )

describe('the alerts', () => {
  it('are those that docs/operations.md says what to do about: critical ones wake somebody, warnings wait for the day', () => {
    const tables = page.split(/^(?=\| (?:wake somebody|look during the day) \|)/m).slice(1)
    const documented = tables.map((table) => [...table.matchAll(/^\| `(Outbound\w+)`/gm)].map(([, name]) => name))
    const bySeverity = Map.groupBy(alerts, ({ labels }) => labels.severity)
    expect([...bySeverity.keys()]).to.deep.equal(['critical', 'warning'])
    expect([...bySeverity.values()].map((group) => group.map(({ alert }) => alert))).to.deep.equal(documented)
  })

  for (const { alert, expr, annotations } of alerts)
    it(`${alert} asks for metrics and labels that exist`, () => {
      const metrics = metricsOf(expr)
      expect(metrics).not.to.be.empty
      for (const metric of metrics) expect(rowsOf(metric), metric).not.to.be.empty
      const labels = new Set([...metrics.flatMap(rowsOf).flatMap((row) => row.labels), ...TARGET])
      const matched = [...expr.matchAll(/([a-z_]+)=~?"/g), ...annotations.summary.matchAll(/\$labels\.([a-z_]+)/g)]
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(', '))
      expect([...labels]).to.include.members([...matched.map(([, label]) => label), ...grouped])
    })

  it("believe the webhook's metrics from its own namespace alone: any pod may offer series under their names", () => {
    const own = new Set<string>(Object.values(PROXY).map(({ name }) => name))
    const names = Object.values(WEBHOOK).flatMap(({ name }) => (own.has(name) ? [] : [name]))
    const series = alerts.flatMap(({ expr }) => expr.match(/\boutbound_jwt_\w+(?:\{[^}]*\})?/g) ?? [])
    const believed = series.filter((text) => names.some((name) => text.startsWith(name)))
    expect(believed).to.have.length.above(5)
    expect(believed.filter((text) => !text.includes('{namespace="outbound-jwt-system"'))).to.deep.equal([])
  })
})
