import { CERTIFICATE_PROBLEMS } from '../../../webhook/src/certificates/problems.ts'
import { REVIEW_ERRORS } from '../../../webhook/src/errors.ts'
import { METRICS } from '../../../webhook/src/metrics.ts'
import type { GeneratedDocument } from './documents.ts'
import { GENERATED, markdownTable } from './documents.ts'

export function documents(): readonly GeneratedDocument[] {
  return [
    {
      path: 'docs/errors-webhook.md',
      content: `${GENERATED}

# Errors of the webhook

## Requests without a decision

The code is in the log line \`review not answered\` and a label of \`${METRICS.errors.name}\`. The API server takes these answers for a webhook that failed: \`failurePolicy\` decides about the pod.

${markdownTable(
  ['code', 'status', 'meaning', 'what to do'],
  Object.entries(REVIEW_ERRORS).map(([code, { status, meaning, hint }]) => [
    `\`${code}\``,
    String(status),
    meaning,
    hint,
  ]),
)}

## Problems with the certificate

The code is in the log line \`certificate problem\`, with the API server's own words, and a label of \`${METRICS.certificateProblems.name}\`. How certificates are kept: [certificates.md](certificates.md).

${markdownTable(
  ['problem', 'meaning', 'what to do'],
  Object.entries(CERTIFICATE_PROBLEMS).map(([code, { meaning, hint }]) => [`\`${code}\``, meaning, hint]),
)}
`,
    },
  ]
}
