import { mkdirSync, writeFileSync } from 'node:fs'
import { machine } from './machine.ts'
import { resultMarkdown } from './markdown.ts'
import type { KeptResult, Result } from './result.ts'

export const RESULTS = 'test/bench/results'

/**
 * Prints a result and keeps it as `test/bench/results/<name>.json`, of which `npm run bench` makes its report.
 * SECURITY: no host name, no path, no token may be in it; the report is public.
 */
export function writeResult(name: string, result: Result): void {
  const kept: KeptResult = { name, at: new Date().toISOString(), machine: machine(), ...result }
  mkdirSync(RESULTS, { recursive: true })
  writeFileSync(`${RESULTS}/${name}.json`, `${JSON.stringify(kept, null, 1)}\n`)
  process.stdout.write(`\n${resultMarkdown(result)}`)
}
