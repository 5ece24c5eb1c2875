// Mixed traffic through the shipped proxy for a while: memory, sockets and descriptors stay flat, no answer is wrong, no token is missing.
// `npm run soak -- --minutes 20`
import { readFileSync, readdirSync } from 'node:fs'
import { Agent } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { mean, slope } from './flat.ts'
import type { Sample } from './flat.ts'
import { SECURE_KINDS } from './secure-traffic.ts'
import { KINDS } from './traffic.ts'
import { startSoak } from './world.ts'
import type { Soak } from './world.ts'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '20' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 24 * 60)) throw new Error(`--minutes: got ${values.minutes}, expected 0 to 1440`)

const WORKERS = 8
/** The name server is a part of this process, which a machine that is busy with other work may not let run. */
const STARVED = /EAI_AGAIN/
const SAMPLE_MS = 2_000
/** Buffers, pools and compiled code fill up first. */
const WARM_UP = 0.3
/** Growth over the measured time that noise explains. */
const MAY_GROW = { rss: 0.1, descriptors: 0.2 } as const

const soak = await startSoak()
const counts: Record<string, number> = {}
const wrong: string[] = []
const started = performance.now()
const elapsed = (): number => (performance.now() - started) / 60_000
const series = { rss: [] as Sample[], descriptors: [] as Sample[] }
try {
  await Promise.all([sampling(), ...Array.from({ length: WORKERS }, working)])
  report(soak)
} finally {
  await soak.close()
}

async function working(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (elapsed() < minutes && wrong.length === 0) {
    for (const [name, kind] of Object.entries({ ...KINDS, ...SECURE_KINDS })) {
      const error = await kind(soak, agent).then(() => undefined, String)
      const outcome = error !== undefined && STARVED.test(error) ? 'a name server that is too slow' : name
      if (error !== undefined && outcome === name) wrong.push(`${name}: ${error}`)
      counts[outcome] = (counts[outcome] ?? 0) + 1
    }
  }
  agent.destroy()
}

async function sampling(): Promise<void> {
  const { pid } = soak.proxy()
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

function report({ partner, partners, proxy, emulator, tokenReader, isSteered }: Soak): void {
  const problems = [...wrong, ...partners.wrongs]
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
  say(`tokens minted: ${mints}, exchanged: ${partners.exchanged()}, read from the file: ${tokenReader.tokens()}`)
  say(
    `verified at partners: ${partner.verified() + partners.verified()}, wrong or missing: ${partner.unverified() + partners.wrongs.length}`,
  )
  if (!isSteered) say('nothing was steered: this machine has no address but its loopback')
  if (partner.unverified() > 0) problems.push('a request reached the partner without a token')
  if (/eyJ[\w-]+\.|soak-[\da-f]{8}/.test(proxy().output())) problems.push('a token was logged')
  for (const problem of problems) say(`BROKEN: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
