import { METRICS as PROXY_METRICS } from '../../../proxy/src/metrics.ts'
import type { MetricsTable } from '../../../proxy/src/runtime/instrument.ts'
import { METRICS as WEBHOOK_METRICS } from '../../../webhook/src/metrics.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/metrics.md',
      content: `${GENERATED}

# Metrics

Both processes serve the process metrics of Node next to these. Labels have few values: route names, methods, registered status codes, error codes, reasons.

## Proxy

Served on the admin port (15401) at \`METRICS_PATH\`.

${table(PROXY_METRICS)}

## Webhook

Served on the admin port (9444) at \`/metrics\`.

${table(WEBHOOK_METRICS)}
`,
    },
  ]
}

function table(metrics: MetricsTable): string {
  return markdownTable(
    ['metric', 'type', 'labels', 'meaning'],
    Object.values(metrics).map(({ name, type, labels, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  )
}
