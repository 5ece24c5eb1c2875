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
  ['code', 'status', 'meaning'],
  Object.entries(REVIEW_ERRORS).map(([code, { status, meaning }]) => [`\`${code}\``, String(status), meaning]),
)}

## Problems with the certificate

The code is in the log line \`certificate problem\` and a label of \`${METRICS.certificateProblems.name}\`. [certificates.md](certificates.md) says what to do.

${markdownTable(
  ['problem', 'meaning'],
  Object.entries(CERTIFICATE_PROBLEMS).map(([code, meaning]) => [`\`${code}\``, meaning]),
)}
`,
    },
  ]
}
