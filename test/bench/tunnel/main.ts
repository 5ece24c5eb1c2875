// What a blind tunnel costs beside a bare pipe, in one run: npm run bench:tunnel. Ratios, because machines differ.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Bar, Table } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import { writeResult } from '../report/write.ts'
import { startBareConnectTarget, startBareTarget, startProxyTarget } from './target.ts'
import type { Target } from './target.ts'

/** Short ones, so that what else the machine does falls on all targets alike. */
const ROUNDS = 15
const MEGABYTES = 512
const CONNECTIONS = 1_000
const WARM_UP = 6_000
const IDLE = 1_000
const AT_ONCE = 20
const BARS = { ratio: 1.5, idleKb: 40 }
/** A chunk that begins with it is answered with one byte. */
const ASK_ECHO = 0x3f
const MEGABYTE = Buffer.alloc(1 << 20, 'x')

const upstream = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === ASK_ECHO) socket.write('.')
  })
  socket.on('end', () => socket.end())
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
const { port } = upstream.address() as AddressInfo
const targets = [await startBareTarget(port), await startBareConnectTarget(port), await startProxyTarget(port)]

// First, while nothing that was there before can be used again: what it counts is rather too much.
const idle = await idleKb(targets[2]!)
for (const target of targets) await connections(target, WARM_UP)
const perMegabyte = await compare((target) => transfer(target, MEGABYTES))
const perConnection = await compare((target) => connections(target, CONNECTIONS))
for (const target of targets) await target.close()
upstream.close()

writeResult('tunnel', {
  title: 'Blind tunnels',
  conditions: [
    'The shipped bundle as its image starts it, beside a bare node:net pipe and a bare node:http server that answers CONNECT.',
    `Medians of ${ROUNDS} rounds in which all three run, one after the other; ratios to the bare pipe are taken within a round.`,
    `A connection is opened, gets one byte back and is closed; ${AT_ONCE} at once. Megabytes go one way, in one connection.`,
  ],
  bars: [
    atMost('CPU per MB beside a bare pipe', BARS.ratio, perMegabyte.at(-1)!.ratio, '×'),
    atMost('CPU per connection beside a bare pipe', BARS.ratio, perConnection.at(-1)!.ratio, '×'),
    atMost(`resident memory of each of ${IDLE} idle tunnels`, BARS.idleKb, idle, 'KB'),
  ],
  tables: [costTable('Per MB, CPU in µs', perMegabyte), costTable('Per connection, CPU in µs', perConnection)],
})

interface Cost {
  readonly name: string
  readonly ms: number
  /** To the first target's. */
  readonly ratio: number
}

async function compare(run: (target: Target) => Promise<number>): Promise<readonly Cost[]> {
  const rounds: number[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const costs: number[] = []
    for (const target of targets) costs.push(await run(target))
    rounds.push(costs)
  }
  return targets.map(({ name }, index) => ({
    name,
    ms: median(rounds.map((costs) => costs[index]!)),
    ratio: median(rounds.map((costs) => costs[index]! / costs[0]!)),
  }))
}

function atMost(what: string, limit: number, measured: number, unit: string): Bar {
  return { what, bound: 'at most', limit, measured, unit }
}

function costTable(title: string, costs: readonly Cost[]): Table {
  return {
    title,
    columns: ['', ...costs.map(({ name }) => name)],
    rows: [
      ['CPU, µs', ...costs.map(({ ms }) => ms * 1000)],
      ['beside the bare pipe', ...costs.map(({ ratio }) => ratio)],
    ],
  }
}

async function transfer(target: Target, megabytes: number): Promise<number> {
  const socket = await target.open()
  const before = target.cpuMs()
  for (let sent = 0; sent < megabytes; sent++) if (!socket.write(MEGABYTE)) await once(socket, 'drain')
  await finish(socket)
  return (target.cpuMs() - before) / megabytes
}

/** Opens, asks for one byte, and closes. */
async function connections(target: Target, count: number): Promise<number> {
  const before = target.cpuMs()
  let left = count
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const socket = await target.open()
      socket.write('?')
      await once(socket, 'data')
      await finish(socket)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return (target.cpuMs() - before) / count
}

async function finish(socket: Socket): Promise<void> {
  socket.resume().end()
  await once(socket, 'close')
}

async function idleKb(target: Target): Promise<number> {
  const before = target.rssKb()
  const sockets: Socket[] = []
  for (let index = 0; index < IDLE; index++) sockets.push(await target.open())
  await delay(2_000)
  const after = target.rssKb()
  for (const socket of sockets) socket.destroy()
  return (after - before) / IDLE
}
