import { SETTINGS } from '../../../proxy/src/config.ts'
import { ERRORS } from '../../../proxy/src/errors.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'
import { settingsTable } from './settings-table.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/configuration.md',
      content: `${GENERATED}

# Configuration of the proxy

The webhook sets these variables in the sidecar it injects. Set them by hand only when you run the proxy yourself.
An empty variable means the same as an unset one. Every wrong value is reported at once at start; the exit status is then 64.

${settingsTable(SETTINGS)}
`,
    },
    {
      path: 'docs/errors.md',
      content: `${GENERATED}

# Errors the proxy answers with

Answers of the partner pass through as they are. An answer of the proxy's own carries \`X-Outbound-Jwt-Error: <code>\`, \`Proxy-Status\` (RFC 9209) and a JSON body
\`{"error":{"code","message","host","requestId","retryable","hint"}}\`.

${markdownTable(
  ['code', 'status', 'meaning', 'what to do', 'retry'],
  Object.entries(ERRORS).map(([code, { status, meaning, hint, retryable }]) => [
    `\`${code}\``,
    String(status),
    meaning,
    hint,
    retryable ? 'yes' : 'no',
  ]),
)}
`,
    },
  ]
}
