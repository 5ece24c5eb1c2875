// Breaks everything around the shipped proxy, one thing at a time, and counts what the application notices.
// `npm run test:faults` runs all rows and writes docs/reliability.md; `npm run test:faults -- sts-down` runs those whose name contains the word.
import { writeFileSync } from 'node:fs'
import { ROWS as CLIENT_ROWS } from './clients.ts'
import { ROWS as PARTNER_ROWS } from './partner.ts'
import { ROWS as PROCESS_ROWS } from './process.ts'
import { reliabilityPage } from './report.ts'
import type { Outcome } from './report.ts'
import type { FaultRow } from './row.ts'
import { ROWS as STS_ROWS } from './sts.ts'

const word = process.argv[2] ?? ''
const rows: readonly FaultRow[] = [...STS_ROWS, ...PARTNER_ROWS, ...CLIENT_ROWS, ...PROCESS_ROWS].filter(({ id }) =>
  id.includes(word),
)
const outcomes: Outcome[] = []
for (const row of rows) {
  const outcome = await row.run().then(
    (counted): Outcome => ({ row, holds: true, counted }),
    (error: unknown): Outcome => ({
      row,
      holds: false,
      counted: error instanceof Error ? error.message : String(error),
    }),
  )
  outcomes.push(outcome)
  process.stdout.write(`${outcome.holds ? 'holds ' : 'BROKEN'} ${row.id}: ${outcome.counted}\n`)
}
const broken = outcomes.filter(({ holds }) => !holds).length
process.stdout.write(`${outcomes.length - broken} of ${outcomes.length} hold\n`)
if (outcomes.length === 0) throw new Error(`no row is called ${word}`)
if (broken > 0) process.exitCode = 1
else if (word === '') writeFileSync('docs/reliability.md', reliabilityPage(outcomes))
