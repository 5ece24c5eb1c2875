import { SETTINGS } from '../../../webhook/src/config.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED } from './documents.ts'
import { settingsTable } from './settings-table.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/configuration-webhook.md',
      content: `${GENERATED}

# Configuration of the webhook

The chart sets these variables from its values. Set them by hand only when you run the webhook without the chart.
An empty variable means the same as an unset one. Every wrong value is reported at once at start; the exit status is then 64.

${settingsTable(SETTINGS)}
`,
    },
  ]
}
