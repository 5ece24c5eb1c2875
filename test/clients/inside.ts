// Runs inside of a network namespace of its own, where every address of the matrix is this machine: nothing leaves it.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CASES, MODES } from './cases.ts'
import type { Case, Mode, Observation, Recording, Row, Skipped } from './cases.ts'
import { CLIENTS } from './clients.ts'
import type { Client } from './clients.ts'
import { wayOf } from './tap.ts'
import { ADDRESSES, PARTNER, startWorld } from './world.ts'
import type { World } from './world.ts'

const CALL_MS = 15_000
/** Time for what a client does after it has answered, such as trying again. */
const SETTLE_MS = 30

const [directory = '', skippedTools = '{}', output = '', only = ''] = process.argv.slice(2)
const unavailable = JSON.parse(skippedTools) as Readonly<Record<string, string>>

const hostsFile = prepareNetwork()
const asked = only === '' ? CLIENTS : CLIENTS.filter(({ name }) => only.split(';').includes(name))
const able = asked.filter(({ tool }) => unavailable[tool] === undefined)
const skipped: Skipped[] = asked
  .filter((client) => !able.includes(client))
  .map(({ name, tool }) => ({
    client: name,
    reason: unavailable[tool] ?? '',
  }))
const observed = new Map<Client, Partial<Record<Mode, object>>>(able.map((client) => [client, {}]))
for (const mode of Object.keys(MODES) as Mode[]) {
  writeHosts(mode)
  const world = await startWorld(mode)
  for (const [client, observations] of observed) observations[mode] = await record(client, mode, world)
  await world.close()
}
const rows = [...observed].map(([client, observations]) => ({
  client: client.name,
  version: client.version({ directory }),
  observations: observations as Row['observations'],
}))
writeFileSync(output, `${JSON.stringify({ rows, skipped } satisfies Recording, null, 2)}\n`)

/** @returns the path of what is /etc/hosts here. */
function prepareNetwork(): string {
  const ip = (...args: string[]): void => void execFileSync('ip', args)
  ip('link', 'set', 'lo', 'up')
  for (const address of Object.keys(ADDRESSES))
    ip(
      'address',
      'add',
      `${address}/${address.includes(':') ? 128 : 32}`,
      'dev',
      'lo',
      ...(address.includes(':') ? ['nodad'] : []),
    )
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-network-'))
  const bind = (file: string, content: string): string => {
    const path = join(directory, file)
    writeFileSync(path, content)
    execFileSync('mount', ['--bind', path, join('/etc', file)])
    return path
  }
  bind('resolv.conf', 'nameserver 127.0.0.1\n')
  return bind('hosts', '')
}

/** As the kubelet does: with `steering: hosts` the partner's name leads to this pod. */
function writeHosts(mode: Mode): void {
  const lines = Object.entries(ADDRESSES).flatMap(([address, names]) =>
    names.flatMap((name) =>
      mode === 'hosts' && name === PARTNER ? [`127.0.0.1 ${name}`, `::1 ${name}`] : [`${address} ${name}`],
    ),
  )
  writeFileSync(hostsFile, ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n'))
}

async function record(client: Client, mode: Mode, world: World): Promise<Readonly<Partial<Record<Case, Observation>>>> {
  const observations: Partial<Record<Case, Observation>> = {}
  for (const name of MODES[mode].cases)
    observations[name] = wayOfMode(mode, name, await observe(client.command({ directory }), CASES[name], world))
  process.stdout.write(
    `${mode}, ${client.name}: ${Object.values(observations)
      .map(({ way, status }) => `${way} ${status ?? '-'}`)
      .join(', ')}\n`,
  )
  return observations
}

/** With `steering: hosts` the tap hears nothing, and the sidecar's own connections are among those of the partner, which answers 200 to a token alone. */
function wayOfMode(mode: Mode, name: Case, observation: Observation): Observation {
  if (mode !== 'hosts' || !name.startsWith('partner')) return observation
  return { ...observation, way: observation.status === 200 ? 'steered' : 'none' }
}

async function observe(
  command: readonly string[],
  url: string,
  { environment, tap, reached }: World,
): Promise<Observation> {
  reached()
  tap.take()
  const said = await run([...command, url], environment)
  await delay(SETTLE_MS)
  const tapped = tap.take()
  const way = wayOf(tapped, reached() > 0)
  const status = /^status (\d{3})|^ {2}HTTP\/1\.\d (\d{3})/m.exec(said)
  const number = Number(status?.[1] ?? status?.[2] ?? 0)
  if (number > 0) return { way, attempts: tapped.length, status: number }
  return { way, attempts: tapped.length, status: null, says: complaint(said) }
}

/** The environment is what the container would have, and where the machine's programs are. */
async function run(command: readonly string[], environment: Readonly<Record<string, string>>): Promise<string> {
  const [file = '', ...args] = command
  const child = spawn(file, args, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: CALL_MS,
    killSignal: 'SIGKILL',
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await once(child, 'close')
  return said
}

/** What a person would look at: the line that names the error, else the last one. What differs between runs is left out. */
function complaint(said: string): string {
  const lines = said.split('\n').map((line) => line.trim().replace(/^error /, ''))
  const named = lines.find((line) => /^curl: |^Exception in |: 403 /.test(line))
  const line = named ?? lines.findLast((text) => text !== '' && !/^(?:at |from |\.\.\. |\. |status 000)/.test(text))
  return (line ?? 'nothing')
    .replace(/ ?\(?\d{4}-\d\d-\d\dT[\d:.]+Z\)?/g, '')
    .replace(/^\S+\.rb:\d+:in \S+ /, '')
    .slice(0, 200)
}
