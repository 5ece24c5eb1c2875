import { SETTINGS, STANDALONE_TABLE } from '../../../proxy/src/config.ts'
import { DEFAULT_GRPC_STATUS, ERRORS } from '../../../proxy/src/errors.ts'
import type { ErrorRow } from '../../../proxy/src/errors.ts'
import { STANDALONE_SETTINGS } from '../../../proxy/src/standalone/settings.ts'
import type { SettingsTable } from '../../../proxy/src/runtime/index.ts'
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
An empty variable means the same as an unset one. Every wrong value is reported at once at start.
Exit status: 0 after a drain, 64 for settings (also a file they name that cannot be read), 78 without AWS credentials, 1 after a defect or when SHUTDOWN_TIMEOUT has passed.
Every variable is also a flag, \`--upstream-host=api.partner.example\` for \`UPSTREAM_HOST\`; a flag wins over its variable. \`--help\` prints this list.

${settingsTable(shared())}

## Standalone mode

Without the webhook and without \`HTTP_PROXY\`: the application calls the proxy as if it were the partner, with the variables of gp42/aws-outbound-jwt-proxy. \`UPSTREAM_HOST\` or \`ALLOWED_HOSTS\` switches it on;
\`ROUTES\`, \`UNMATCHED\` and \`ADMIN_LISTEN_ADDR\` are then refused.
[Moving from aws-outbound-jwt-proxy](migrating-from-aws-outbound-jwt-proxy.md) compares both.

${settingsTable(STANDALONE_SETTINGS)}

Other defaults than above: ${otherDefaults()}.
`,
    },
    {
      path: 'docs/errors.md',
      content: `${GENERATED}

# Errors the proxy answers with

Answers of the partner pass through as they are. An answer of the proxy's own carries \`X-Outbound-Jwt-Error: <code>\`, \`Proxy-Status\` (RFC 9209) and a JSON body
\`{"error":{"code","message","host","requestId","retryable","hint"}}\`.
Clients of gRPC get \`:status\` 200, the \`grpc-status\` of the table, and code, message and hint in \`grpc-message\`.

${markdownTable(
  ['code', 'status', 'gRPC', 'meaning', 'what to do', 'retry'],
  Object.entries<ErrorRow>(ERRORS).map(([code, { status, grpcStatus, meaning, hint, retryable }]) => [
    `\`${code}\``,
    String(status),
    String(grpcStatus ?? DEFAULT_GRPC_STATUS),
    meaning,
    hint,
    retryable ? 'yes' : 'no',
  ]),
)}
`,
    },
  ]
}

function shared(): SettingsTable {
  return Object.fromEntries(Object.entries(SETTINGS).filter(([name]) => !Object.hasOwn(STANDALONE_SETTINGS, name)))
}

function otherDefaults(): string {
  return Object.values(STANDALONE_TABLE)
    .filter((row) => !Object.values<unknown>(SETTINGS).includes(row))
    .map(({ variable, fallback }) => `\`${variable}\` \`${fallback}\``)
    .join(', ')
}
