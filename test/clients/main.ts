// The client matrix: npm run test:clients [-- --accept]. Installs clients, lets each call every case in the environment the webhook injects,
// and compares with the recording in results.json; --accept writes a new one. docs/clients.md is made from it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Recording } from './cases.ts'
import { TOOLS } from './clients.ts'
import { differences } from './differences.ts'
import { CACHE } from './tools.ts'

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
  ],
  { stdio: 'inherit' },
)
if (status !== 0) process.exit(status ?? 1)

const text = readFileSync(output, 'utf8')
if (process.argv.includes('--accept')) {
  writeFileSync(RECORDING, text)
  print(`recorded in ${RECORDING}; run npm run generate`)
} else {
  const found = differences(JSON.parse(readFileSync(RECORDING, 'utf8')) as Recording, JSON.parse(text) as Recording)
  for (const line of found) print(line)
  print(found.length === 0 ? 'as recorded' : `${found.length} differences from the recording`)
  process.exitCode = found.length === 0 ? 0 : 1
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
