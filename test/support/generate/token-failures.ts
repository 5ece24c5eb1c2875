import { FAILURES } from '../../../proxy/src/tokens/failures.ts'
import type { FailureRow } from '../../../proxy/src/tokens/failures.ts'
import { ERRORS } from '../../../proxy/src/errors.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/token-failures.md',
      content: `${GENERATED}

# Why a token is not minted

The reason is in the log line \`token not minted\` (field \`reason\`, next to AWS's own words in \`detail\`) and in the report of doctor.
The application gets the status, with meaning and hint in the body; what AWS said stays in the log, because it names accounts and sessions. What a token endpoint said is in the body, too,
at most 200 characters of it and without secrets.

The step (field \`step\`) is what failed: \`source\`, getting the token from AWS or the cluster, or \`exchange\`, turning it into what the partner takes.

The class says who can end it, and so how soon STS or the token endpoint is asked again: \`transient\` time, \`credentials\` a new AWS session, \`duration\` a longer session or a shorter token,
\`config\` a person. While a request waits, they are asked again within 5 s in the first two classes and within 15 s in the others; without one, the pauses grow to 1 and 5 minutes.
A \`Retry-After\` of the token endpoint of up to an hour is honoured.

${markdownTable(
  ['reason', 'step', 'class', 'status', 'meaning', 'what to do'],
  Object.entries<FailureRow>(FAILURES).map(([reason, row]) => [
    `\`${reason}\``,
    row.step ?? 'either',
    row.class,
    String(ERRORS[row.code].status),
    row.meaning,
    row.hint,
  ]),
)}
`,
    },
  ]
}
