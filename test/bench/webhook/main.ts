// npm run bench:webhook: the shipped webhook beside a bare node:https server, in alternating rounds of one run. Ratios are what counts:
// machines differ and drift. Nothing is asserted; the bars are in the last column.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/port.ts'
import { WEBHOOK_COMMAND, recordedReview } from '../../support/webhook.ts'
import type { Connection } from './load.ts'
import { openConnection, pace, requestBytes, saturate } from './load.ts'

const ROUNDS = 5
const ROUND_MS = 4_000
const CONNECTIONS = 16
const PER_SECOND = 200
const START_LIMIT_MS = 10_000
/** sysconf(_SC_CLK_TCK) of every Linux. */
const TICKS_PER_SECOND = 100

interface Contender {
  readonly name: string
  readonly child: ChildProcess
  readonly connections: readonly Connection[]
  readonly rates: number[]
  readonly cpu: number[]
  readonly p50: number[]
  readonly p99: number[]
}

const directory = mkdtempSync(join(tmpdir(), 'bench-webhook-'))
const authority = await createTestAuthority()
const pair = await authority.issue(['127.0.0.1'])
const certFile = join(directory, 'tls.crt')
const keyFile = join(directory, 'tls.key')
writeFileSync(certFile, pair.cert)
writeFileSync(keyFile, pair.key, { mode: 0o600 })
const request = requestBytes('/mutate', JSON.stringify(recordedReview()))

const webhookPort = await freePort()
const barePort = await freePort()
const contenders: Contender[] = []
try {
  const webhook = await contender('webhook', webhookPort, [...WEBHOOK_COMMAND], {
    LISTEN_ADDR: `127.0.0.1:${webhookPort}`,
    ADMIN_LISTEN_ADDR: '127.0.0.1:0',
    CERTIFICATE_MODE: 'secret',
    TLS_CERT_FILE: certFile,
    TLS_KEY_FILE: keyFile,
    PROXY_IMAGE: 'registry.example/proxy:1',
  })
  const idle = residentMegabytes(webhook.child)
  const bare = await contender(
    'bare',
    barePort,
    ['test/bench/webhook/bare.ts', String(barePort), certFile, keyFile],
    {},
  )
  for (const { connections } of contenders) await saturate(connections, ROUND_MS)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const one of contenders) {
      const before = cpuSeconds(one.child)
      const rate = await saturate(one.connections, ROUND_MS)
      one.rates.push(rate)
      one.cpu.push(((cpuSeconds(one.child) - before) * 1e6) / ((rate * ROUND_MS) / 1000))
      const latencies = await pace(one.connections, { perSecond: PER_SECOND, durationMs: ROUND_MS })
      one.p50.push(quantile(latencies, 0.5))
      one.p99.push(quantile(latencies, 0.99))
    }
  }
  report(bare, webhook, idle)
} finally {
  for (const { child, connections } of contenders) {
    for (const connection of connections) connection.close()
    child.kill('SIGKILL')
  }
  rmSync(directory, { recursive: true, force: true })
}

async function contender(
  name: string,
  port: number,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Contender> {
  const child = spawn(process.execPath, [...args], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const connections: Connection[] = []
  const started: Contender = { name, child, connections, rates: [], cpu: [], p50: [], p99: [] }
  contenders.push(started)
  connections.push(await firstConnection(port))
  while (connections.length < CONNECTIONS) connections.push(await openConnection(port, authority.ca, request))
  return started
}

async function firstConnection(port: number): Promise<Connection> {
  const end = performance.now() + START_LIMIT_MS
  for (;;) {
    try {
      return await openConnection(port, authority.ca, request)
    } catch (error) {
      if (performance.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

function report(bare: Contender, webhook: Contender, idle: string): void {
  const line = (name: string, key: 'rates' | 'cpu' | 'p50' | 'p99', bar: string): string => {
    const ratio = quantile([...webhook[key].map((value, index) => value / bare[key][index]!)].sort(ascending), 0.5)
    return `| ${name} | ${median(bare[key]).toFixed(2)} | ${median(webhook[key]).toFixed(2)} | ${ratio.toFixed(2)} | ${bar} |`
  }
  const body = `${(request.length / 1024).toFixed(1)} KiB`
  process.stdout.write(
    [
      `${ROUNDS} alternating rounds of ${ROUND_MS / 1000} s, ${CONNECTIONS} connections, a recorded review of ${body}; medians, ratio is the median of the rounds'`,
      '| | bare node:https | webhook | webhook / bare | bar |',
      '| --- | --- | --- | --- | --- |',
      line('requests per second', 'rates', '>= 0.5'),
      line('CPU microseconds per request', 'cpu', ''),
      line(`p50 ms at ${PER_SECOND}/s`, 'p50', ''),
      line(`p99 ms at ${PER_SECOND}/s`, 'p99', '<= 3'),
      `idle resident set, mode secret: ${idle} MB (bar: 110)`,
      '',
    ].join('\n'),
  )
}

function cpuSeconds({ pid }: ChildProcess): number {
  const fields =
    readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function residentMegabytes({ pid }: ChildProcess): string {
  const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024).toFixed(0)
}

function ascending(a: number, b: number): number {
  return a - b
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function median(values: readonly number[]): number {
  return quantile([...values].sort(ascending), 0.5)
}
