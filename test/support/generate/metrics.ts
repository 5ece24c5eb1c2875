import { METRICS } from '../../../proxy/src/metrics.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/metrics.md',
      content: `${GENERATED}

# Metrics of the proxy

Served on the admin port at \`METRICS_PATH\`, beside the process metrics of Node. Labels have few values: route names, methods, registered status codes, error codes.

${markdownTable(
  ['metric', 'type', 'labels', 'meaning'],
  Object.values(METRICS).map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]),
)}
`,
    },
  ]
}
