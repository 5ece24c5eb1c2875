// Mixed traffic through the shipped proxy for a while: memory, sockets and descriptors stay flat, no answer is wrong, no token is missing.
// `npm run soak -- --minutes 20`
import { readFileSync, readdirSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startStack } from '../support/stack/stack.ts'
import type { Stack } from '../support/stack/stack.ts'
import { mean, slope } from './flat.ts'
import type { Sample } from './flat.ts'
import { KINDS } from './traffic.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes: got ${values.minutes}, expected 0 to 1440`)

const WORKERS = 8
const SAMPLE_MS = 2_000
/** Buffers, pools and compiled code fill up first. */
const WARM_UP = 0.3
/** Growth over the measured time that noise explains. */
const MAY_GROW = { rss: 0.1, descriptors: 0.2 } as const

const stack = await startStack({ route: { durationSeconds: 60 } })
const counts: Record<string, number> = {}
const wrong: string[] = []
const started = performance.now()
const elapsed = (): number => (performance.now() - started) / 60_000
const series = { rss: [] as Sample[], descriptors: [] as Sample[] }
try {
  await Promise.all([sampling(), ...Array.from({ length: WORKERS }, working)])
  report(stack)
} finally {
  await stack.close()
}

async function working(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (elapsed() < minutes && wrong.length === 0) {
    for (const [name, kind] of Object.entries(KINDS)) {
      await kind(stack, agent).catch((error: unknown) => wrong.push(`${name}: ${String(error)}`))
      counts[name] = (counts[name] ?? 0) + 1
    }
  }
  agent.destroy()
}

async function sampling(): Promise<void> {
  const { pid } = stack.proxy()
  while (elapsed() < minutes && wrong.length === 0) {
    await delay(SAMPLE_MS)
    const at = elapsed()
    series.rss.push({ minutes: at, value: residentBytes(pid) })
    series.descriptors.push({ minutes: at, value: readdirSync(`/proc/${pid}/fd`).length })
  }
}

function residentBytes(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

function report({ partner, proxy, emulator }: Stack): void {
  const problems = [...wrong]
  for (const [name, samples] of Object.entries(series) as [keyof typeof series, Sample[]][]) {
    const measured = samples.filter(({ minutes: at }) => at > minutes * WARM_UP)
    const average = mean(measured.map(({ value }) => value))
    const growth = slope(measured) * minutes * (1 - WARM_UP)
    const unit = name === 'rss' ? ' MB' : ''
    const shown = (value: number): string => `${(name === 'rss' ? value / (1 << 20) : value).toFixed(1)}${unit}`
    say(`${name}: mean ${shown(average)}, grows by ${shown(growth)} in ${(minutes * (1 - WARM_UP)).toFixed(1)} minutes`)
    if (growth > average * MAY_GROW[name]) problems.push(`${name} grows`)
  }
  for (const [name, count] of Object.entries(counts)) say(`${name}: ${count}`)
  const mints = emulator.calls().filter(({ action }) => action === 'GetWebIdentityToken').length
  say(
    `tokens minted: ${mints}; verified at the partner: ${partner.verified()}, without a token: ${partner.unverified()}`,
  )
  if (partner.unverified() > 0) problems.push('a request reached the partner without a token')
  if (/eyJ[\w-]+\./.test(proxy().output())) problems.push('a token was logged')
  for (const problem of problems) say(`BROKEN: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
