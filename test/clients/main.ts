// The client matrix: npm run test:clients [-- --accept] [--clients 'curl;Go gRPC']. Installs clients, lets each call every case in the environment the webhook injects,
// and compares with the recording in results.json; --accept writes a new one. docs/clients.md is made from it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Recording } from './cases.ts'
import { CLIENTS } from './clients.ts'
import { differences } from './differences.ts'
import { TOOLS } from './packages.ts'
import { CACHE } from './tools.ts'

const { values } = parseArgs({
  options: { accept: { type: 'boolean', default: false }, clients: { type: 'string', default: '' } },
})
const RECORDING = join(import.meta.dirname, 'results.json')
const { directory } = CACHE
const print = (line: string): void => void process.stdout.write(`${line}\n`)

if (process.platform !== 'linux' || process.getuid?.() !== 0) {
  print('skipped: the clients run in a network namespace of their own, which needs root on Linux')
  process.exit(0)
}
mkdirSync(directory, { recursive: true })
const unavailable = installTools()
const output = join(directory, 'results.json')
const { status } = spawnSync(
  'unshare',
  [
    '--net',
    '--mount',
    process.execPath,
    join(import.meta.dirname, 'inside.ts'),
    directory,
    JSON.stringify(unavailable),
    output,
    values.clients,
  ],
  { stdio: 'inherit' },
)
if (status !== 0) process.exit(status ?? 1)

const recorded = JSON.parse(readFileSync(RECORDING, 'utf8')) as Recording
const now = JSON.parse(readFileSync(output, 'utf8')) as Recording
if (values.accept) {
  writeFileSync(RECORDING, `${JSON.stringify(merged(recorded, now), null, 2)}\n`)
  print(`recorded in ${RECORDING}; run npm run generate`)
} else {
  const found = differences(recorded, now)
  for (const line of found) print(line)
  print(found.length === 0 ? 'as recorded' : `${found.length} differences from the recording`)
  process.exitCode = found.length === 0 ? 0 : 1
}

/** What was not run now stays as it was recorded; the order is that of the clients. */
function merged(before: Recording, { rows, skipped }: Recording): Recording {
  const fresh = new Set([...rows, ...skipped].map(({ client }) => client))
  const all = {
    rows: [...rows, ...before.rows.filter(({ client }) => !fresh.has(client))],
    skipped: [...skipped, ...before.skipped.filter(({ client }) => !fresh.has(client))],
  }
  const sorted = <T extends { readonly client: string }>(entries: readonly T[]): readonly T[] =>
    CLIENTS.flatMap(({ name }) => entries.filter(({ client }) => client === name))
  return { rows: sorted(all.rows), skipped: sorted(all.skipped) }
}

function installTools(): Record<string, string> {
  const reasons: Record<string, string> = {}
  for (const [name, tool] of Object.entries(TOOLS)) {
    try {
      print(`installing ${name}`)
      tool.install(CACHE)
    } catch (error) {
      reasons[name] = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
      print(`skipped ${name}: ${reasons[name]}`)
    }
  }
  return reasons
}
