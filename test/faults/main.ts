// Breaks everything around the shipped proxy and webhook, one thing at a time, and counts what is noticed.
// `npm run test:faults` runs all rows and writes docs/reliability.md, if none had to be left out; `npm run test:faults -- sts-down` runs those whose name contains the word.
import { writeFileSync } from 'node:fs'
import { ROWS as CLIENT_ROWS } from './clients.ts'
import { ROWS as CLUSTER_ROWS } from './cluster.ts'
import { ROWS as EGRESS_ROWS } from './egress.ts'
import { ROWS as EXCHANGE_ROWS } from './exchange.ts'
import { ROWS as HTTP2_ROWS } from './http2.ts'
import { ROWS as INTERCEPTION_ROWS } from './interception.ts'
import { ROWS as PARTNER_ROWS } from './partner.ts'
import { ROWS as POLICY_ROWS } from './policy.ts'
import { ROWS as PROCESS_ROWS } from './process.ts'
import { reliabilityPage } from './report.ts'
import type { Outcome } from './report.ts'
import type { FaultRow } from './row.ts'
import { ROWS as STS_ROWS } from './sts.ts'
import { ROWS as VOLUME_ROWS } from './volumes.ts'
import { ROWS as WEBHOOK_ROWS } from './webhook.ts'

/** Rows at a time: most of one is waiting. Those of the cluster are a lane of their own, since they share its API server. */
const LANES = 2

const word = process.argv[2] ?? ''
const all: readonly FaultRow[] = [
  ...STS_ROWS,
  ...EXCHANGE_ROWS,
  ...PARTNER_ROWS,
  ...HTTP2_ROWS,
  ...EGRESS_ROWS,
  ...CLIENT_ROWS,
  ...INTERCEPTION_ROWS,
  ...VOLUME_ROWS,
  ...PROCESS_ROWS,
  ...WEBHOOK_ROWS,
  ...POLICY_ROWS,
  ...CLUSTER_ROWS,
]
const wanted = all.filter(({ id }) => id.includes(word))
const lacking = ({ needs = [] }: FaultRow): readonly string[] => needs.filter((name) => !process.env[name])
const rows = wanted.filter((row) => lacking(row).length === 0)
const found = new Map<FaultRow, Outcome>()
const isOfCluster = ({ needs = [] }: FaultRow): boolean => needs.length > 0
const waiting = rows.filter((row) => !isOfCluster(row))
await Promise.all([inTurn(rows.filter(isOfCluster)), ...Array.from({ length: LANES }, () => inTurn(waiting))])
const outcomes = rows.flatMap((row) => found.get(row) ?? [])
for (const row of wanted)
  for (const name of lacking(row)) process.stdout.write(`left out ${row.id}: ${name} is not set\n`)
const broken = outcomes.filter(({ holds }) => !holds).length
process.stdout.write(`${outcomes.length - broken} of ${outcomes.length} hold\n`)
if (wanted.length === 0) throw new Error(`no row is called ${word}`)
if (broken > 0) process.exitCode = 1
else if (outcomes.length === all.length) writeFileSync('docs/reliability.md', reliabilityPage(outcomes))

/** Takes rows from the front until none is left. */
async function inTurn(queue: FaultRow[]): Promise<void> {
  for (let row = queue.shift(); row; row = queue.shift()) {
    const outcome = await outcomeOf(row)
    found.set(row, outcome)
    process.stdout.write(`${outcome.holds ? 'holds ' : 'BROKEN'} ${row.id}: ${outcome.counted}\n`)
  }
}

async function outcomeOf(row: FaultRow): Promise<Outcome> {
  try {
    return { row, holds: true, counted: await row.run() }
  } catch (error) {
    return { row, holds: false, counted: error instanceof Error ? error.message : String(error) }
  }
}
