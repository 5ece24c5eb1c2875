// What a blind tunnel costs beside a bare pipe, in one run: npm run bench:tunnel. Ratios, because machines differ.
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { startBareConnectTarget, startBareTarget, startProxyTarget } from './target.ts'
import type { Target } from './target.ts'

const ROUNDS = 5
const MEGABYTES = 1024
const CONNECTIONS = 4_000
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

for (const target of targets) await connections(target, CONNECTIONS)
const perMegabyte = await compare('CPU ms per MB', (target) => transfer(target, MEGABYTES))
const perConnection = await compare('CPU ms per connection', (target) => connections(target, CONNECTIONS))
const idle = await idleKb(targets[2]!)
print(`${IDLE} idle tunnels, KB each of the proxy's memory: ${idle.toFixed(1)} (bar ${BARS.idleKb})`)
for (const target of targets) await target.close()
upstream.close()
if (perMegabyte > BARS.ratio || perConnection > BARS.ratio || idle > BARS.idleKb) process.exitCode = 1

/** @returns median of the rounds' ratios, proxy to bare pipe; within a round all run, one after the other. */
async function compare(what: string, run: (target: Target) => Promise<number>): Promise<number> {
  const rounds: number[][] = []
  for (let round = 0; round < ROUNDS; round++) {
    const costs: number[] = []
    for (const target of targets) costs.push(await run(target))
    rounds.push(costs)
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!
  const columns = targets.map(({ name }, index) => `${name} ${median(rounds.map((costs) => costs[index]!)).toFixed(3)}`)
  const ratioOf = (index: number): number => median(rounds.map((costs) => costs[index]! / costs[0]!))
  const ratio = ratioOf(2)
  print(`${what}: ${columns.join(', ')}; ratios ${ratioOf(1).toFixed(2)} and ${ratio.toFixed(2)} (bar ${BARS.ratio})`)
  return ratio
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

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
