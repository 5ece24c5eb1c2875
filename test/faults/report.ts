import { markdownTable } from '../support/generate/documents.ts'
import type { FaultRow } from './row.ts'

export interface Outcome {
  readonly row: FaultRow
  readonly holds: boolean
  /** What was counted, or why the invariant does not hold. */
  readonly counted: string
}

/** @returns docs/reliability.md of a run. */
export function reliabilityPage(outcomes: readonly Outcome[]): string {
  return `<!-- Written by \`npm run test:faults\`; do not edit. -->

# Reliability

Each row breaks one thing around the shipped proxy or webhook, with real sockets, real TLS and really signed tokens, and counts what the application sees.
In every row with a partner, it also counts requests without a token (always 0), and the proxy's output is searched for tokens (none).
Run it yourself: \`npm run test:faults\`; it takes about a quarter of an hour and ends with an error when an invariant does not hold.
The last rows need a cluster whose API server runs on the same machine (\`KUBECONFIG\`, and \`RESTART_API_SERVER\`, a command that ends it with the signal it is given); without one they are left out by name.

${markdownTable(
  ['fault', 'what must hold', 'counted'],
  outcomes.map(({ row, counted }) => [row.fault, row.invariant, counted]),
)}
`
}
