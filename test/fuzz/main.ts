// `npm run fuzz [-- --minutes 5 --seed N --only NAME]`: every kind in turn, each for its share of the time.
// A broken invariant becomes a fixture, which `npm test` runs again; the run goes on with another seed and ends with an error.
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { writeFixture } from './fixtures.ts'
import type { FuzzKind } from './kind.ts'
import { KINDS } from './kinds.ts'
import { Finding, runKind } from './run.ts'
import type { Tally } from './run.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '5' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const minutes = Number(values.minutes)
const firstSeed = Number(values.seed ?? randomInt(2 ** 32))
const kinds = KINDS.filter(({ name }) => values.only === undefined || name === values.only)
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes: got ${values.minutes}, expected 0 to 1440`)
if (!Number.isSafeInteger(firstSeed)) throw new Error(`--seed: got ${String(values.seed)}, expected a whole number`)
if (kinds.length === 0)
  throw new Error(`--only: got ${String(values.only)}, expected ${KINDS.map(({ name }) => name).join(' or ')}`)

/** Somebody should look before there are more. */
const MOST_FINDINGS = 20

for (const kind of kinds) {
  say(`${kind.name}: ${kind.subject}`)
  for (const invariant of kind.invariants) say(`  - ${invariant}`)
  await runFor(kind, (minutes * 60_000) / kinds.length)
}

async function runFor(kind: FuzzKind, milliseconds: number): Promise<void> {
  const end = performance.now() + milliseconds
  let seed = firstSeed
  for (let findings = 0; findings < MOST_FINDINGS && performance.now() < end; seed++) {
    try {
      report(await runKind(kind, { seed, milliseconds: end - performance.now() }))
    } catch (error) {
      if (!(error instanceof Finding)) throw error
      findings += 1
      process.exitCode = 1
      say(`  BROKEN, seed ${seed}: ${error.message}`)
      say(`  kept as ${writeFixture(error, seed)}; repeat with: npm run fuzz -- --only ${kind.name} --seed ${seed}`)
    }
  }
}

function report({ cases, outcomes, seed, memory }: Tally): void {
  say(
    `  ${cases} cases, seed ${seed}: ${Object.entries(outcomes)
      .map(([outcome, count]) => `${outcome} ${count}`)
      .join(', ')}`,
  )
  if (memory !== undefined) say(`  memory of the process: ${memory}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
