// npm run bench:webhook: the shipped webhook beside a bare node:https server that parses the same body, in alternating rounds of one run.
// Ratios are what counts: machines differ and drift. Any answer but 200 ends the run.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createTestAuthority } from '../../support/certificates.ts'
import { freePort } from '../../support/port.ts'
import { WEBHOOK_COMMAND } from '../../support/webhook.ts'
import type { Table } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import { writeResult } from '../report/write.ts'
import type { Contender, Sample } from './contender.ts'
import { LOAD, startContender } from './contender.ts'
import { requestBytes } from './load.ts'
import type { Shape } from './reviews.ts'
import { SHAPES } from './reviews.ts'

const ROUNDS = 5
const CLIENT_CORE = 0
const SERVER_CORE = 1

/** Per round: what the bare server and the webhook did, one right after the other. */
type Round = readonly [bare: Sample, webhook: Sample]

execFileSync('taskset', ['-acp', String(CLIENT_CORE), String(process.pid)], { stdio: 'ignore' })
const directory = mkdtempSync(join(tmpdir(), 'bench-webhook-'))
const authority = await createTestAuthority()
const pair = await authority.issue(['127.0.0.1'])
const certFile = join(directory, 'tls.crt')
const keyFile = join(directory, 'tls.key')
writeFileSync(certFile, pair.cert)
writeFileSync(keyFile, pair.key, { mode: 0o600 })

const contenders: Contender[] = []
try {
  const bare = await start(await freePort(), (port) => ({
    args: ['test/bench/webhook/bare.ts', String(port), certFile, keyFile],
  }))
  const webhook = await start(await freePort(), (port) => ({
    args: WEBHOOK_COMMAND,
    env: {
      LISTEN_ADDR: `127.0.0.1:${port}`,
      ADMIN_LISTEN_ADDR: '127.0.0.1:0',
      CERTIFICATE_MODE: 'secret',
      TLS_CERT_FILE: certFile,
      TLS_KEY_FILE: keyFile,
      PROXY_IMAGE: 'registry.example/proxy:1',
      SHUTDOWN_DELAY: '0s',
    },
  }))
  const found: (readonly [Shape, readonly Round[]])[] = []
  for (const shape of SHAPES) found.push([shape, await race(shape, bare, webhook)])
  report(found, webhook.idleMegabytes)
} finally {
  for (const contender of contenders) await contender.stop()
  rmSync(directory, { recursive: true, force: true })
}

async function start(
  port: number,
  how: (port: number) => { readonly args: readonly string[]; readonly env?: Readonly<Record<string, string>> },
): Promise<Contender> {
  const contender = await startContender({ core: SERVER_CORE, port, ca: authority.ca, ...how(port) })
  contenders.push(contender)
  return contender
}

async function race({ body, perSecond }: Shape, bare: Contender, webhook: Contender): Promise<readonly Round[]> {
  const request = requestBytes('/mutate', body)
  await bare.warmUp(request)
  await webhook.warmUp(request)
  const rounds: Round[] = []
  while (rounds.length < ROUNDS)
    rounds.push([await bare.sample(request, perSecond), await webhook.sample(request, perSecond)])
  return rounds
}

function report(found: readonly (readonly [Shape, readonly Round[]])[], idleMegabytes: number): void {
  const [, rounds] = found[0]!
  writeResult('webhook', {
    title: 'The webhook',
    conditions: [
      'The shipped bundle as its image starts it, beside a bare node:https server that parses the same body and answers a constant.',
      `${LOAD}. Each server on one core, the client on the other.`,
      `Medians of ${ROUNDS} alternating rounds; ratios are taken within a round.`,
      'Every review of a shape is the same, as the pods of one workload are.',
    ],
    bars: [
      {
        what: 'CPU per review beside bare node:https',
        bound: 'at most',
        limit: 6,
        measured: ratio(rounds, 'cpuPerRequest'),
        unit: '×',
      },
      {
        what: 'p99 at 200 reviews per second beside bare node:https',
        bound: 'at most',
        limit: 3,
        measured: ratio(rounds, 'p99'),
        unit: '×',
      },
      { what: 'idle resident memory', bound: 'at most', limit: 110, measured: idleMegabytes, unit: 'MB' },
    ],
    tables: found.map(([shape, rounds]) => shapeTable(shape, rounds)),
  })
}

function shapeTable({ name, body, perSecond }: Shape, rounds: readonly Round[]): Table {
  const row = (what: string, key: keyof Sample): readonly (string | number)[] => [
    what,
    median(rounds.map(([bare]) => bare[key])),
    median(rounds.map(([, webhook]) => webhook[key])),
    ratio(rounds, key),
  ]
  return {
    title: `${name}: ${(Buffer.byteLength(body) / 1024).toFixed(1)} KiB`,
    columns: ['', 'bare node:https', 'webhook', 'webhook / bare'],
    rows: [
      row('requests per second', 'perSecond'),
      row('CPU per request, µs', 'cpuPerRequest'),
      row(`p50 at ${perSecond} per second, ms`, 'p50'),
      row(`p99 at ${perSecond} per second, ms`, 'p99'),
    ],
  }
}

function ratio(rounds: readonly Round[], key: keyof Sample): number {
  return median(rounds.map(([bare, webhook]) => webhook[key] / bare[key]))
}
