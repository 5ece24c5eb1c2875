// `npm run bench`: every bench, one after the other, and one report of them all: test/bench/results/report.md and report.json.
// `npm run bench -- --benches proxy,tokens` runs those and keeps the results of the others as they are.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine } from './machine.ts'
import { reportMarkdown } from './markdown.ts'
import type { KeptResult, Report } from './result.ts'
import { RESULTS } from './write.ts'

/** Folders of test/bench, in the order of the report. Each writes a result of its name. */
const BENCHES = ['proxy', 'intercept', 'start', 'tunnel', 'tokens', 'webhook', 'inject']

const { values } = parseArgs({ options: { benches: { type: 'string', default: BENCHES.join() } } })
const wanted = values.benches.split(',').filter(Boolean)
const unknown = wanted.filter((name) => !BENCHES.includes(name))
if (unknown.length > 0) throw new Error(`no bench is called ${unknown.join()}: ${BENCHES.join()}`)

mkdirSync(RESULTS, { recursive: true })
for (const name of wanted) {
  // What an earlier run found must not stand for this one.
  rmSync(fileOf(name), { force: true })
  process.stdout.write(`\n=== ${name}\n`)
  const { status } = spawnSync(process.execPath, [`test/bench/${name}/main.ts`], { stdio: 'inherit' })
  if (status === 0) continue
  process.stdout.write(`bench ${name} ended with ${status ?? 'a signal'}\n`)
  process.exitCode = 1
}

const results = BENCHES.filter((name) => existsSync(fileOf(name))).map(
  (name) => JSON.parse(readFileSync(fileOf(name), 'utf8')) as KeptResult,
)
const missing = BENCHES.filter((name) => !existsSync(fileOf(name)))
const report: Report = { at: new Date().toISOString(), machine: machine(), missing, results }
writeFileSync(fileOf('report'), `${JSON.stringify(report, null, 1)}\n`)
writeFileSync(`${RESULTS}/report.md`, reportMarkdown(report))
process.stdout.write(`\n${RESULTS}/report.md\n`)

function fileOf(name: string): string {
  return `${RESULTS}/${name}.json`
}
