// The application's side breaks: aborts, reads or writes nothing, opens connections and says nothing.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import { createGroup, missingGroups } from '../support/control-group.ts'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import type { Attack } from './attack.ts'
import { ATTACKER, probe, underAttack } from './attack.ts'
import type { FaultRow } from './row.ts'
import { MAY_GROW, REQUESTS, inWords, load, megabytes, memory, settled, settledMemory, withStack } from './scenario.ts'

const WAITING = 10
const BYTES_EACH = 50 << 20

const PIPELINED = 5_000
const SCRAPERS = 8
const ROUNDS = 20

/** Connections whose clients send all their requests at once. */
const pipelining = (id: string, connections: number, port: number, target: string): Attack<undefined> => ({
  id,
  fault: '',
  connections,
  open: () => {
    const socket = connect({ port, ...ATTACKER })
    const request = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`
    return socket.once('connect', () => socket.write(request.repeat(PIPELINED)))
  },
  isDefence: ({ answers }) => answers < PIPELINED / 10,
})

export const ROWS: readonly FaultRow[] = [
  {
    id: 'pipelining',
    fault: `A client pipelines ${PIPELINED} requests on one connection, and ${SCRAPERS} others as many scrapes on each of theirs, again and again.`,
    invariant: `${ROUNDS} other requests get their token and are answered meanwhile, and as many probes with 200; a connection that overdoes it is ended before a tenth of it is answered.`,
    run: () =>
      withStackOf128Mib(async (stack) => {
        const { adminPort, proxyPort, url } = stack
        await Promise.all([
          underAttack(pipelining('requests', 1, proxyPort, url), undefined, ROUNDS, async () =>
            expect(await load(stack, { requests: 1, concurrency: 1 })).to.deep.equal({ 200: 1 }),
          ),
          underAttack(pipelining('scrapes', SCRAPERS, adminPort, '/metrics'), undefined, ROUNDS, async () =>
            expect(await probe(`127.0.0.1:${adminPort}`)).to.equal(200),
          ),
        ])
        await settled(stack)
        const ended = await stack.metric('outbound_jwt_connections_refused_total{error_type="overloaded"}')
        expect(ended).to.be.greaterThan(0)
        return `${ROUNDS} × 200, ${ROUNDS} probes, connections of the attack ended, ${megabytes(await memory(stack))} MiB`
      }),
  },
  {
    id: 'clients-abort',
    fault: 'Clients reset their connections in the middle of a download of 10 MB, 100 times.',
    invariant: 'The partner sees each abort; no socket stays on either side; the next requests succeed.',
    run: () =>
      withStack({}, async (stack) => {
        for (let index = 0; index < REQUESTS; index++) await abortDownload(stack)
        await settled(stack)
        const after = await load(stack)
        expect(after).to.deep.equal({ 200: REQUESTS })
        return `${REQUESTS} aborts; afterwards ${inWords(after)}`
      }),
  },
  {
    id: 'slow-reader',
    fault: 'Ten clients ask for 50 MB each and read nothing.',
    invariant: 'The proxy holds back instead of buffering: it grows by less than 40 MB while 500 MB wait.',
    run: () =>
      withStack({}, async (stack) => {
        await load(stack)
        const before = await memory(stack)
        const sockets = await Promise.all(Array.from({ length: WAITING }, () => startDownload(stack, BYTES_EACH)))
        const grown = (await settledMemory(stack, WAITING)) - before
        for (const socket of sockets) socket.destroy()
        expect(grown).to.be.lessThan(MAY_GROW)
        await settled(stack)
        return `500 MB waiting, ${megabytes(grown)} MB grown`
      }),
  },
  {
    id: 'slow-partner',
    fault: 'Ten clients send 50 MB each to a partner that reads nothing for a while.',
    invariant:
      'The proxy holds back instead of buffering: it grows by less than 40 MB while 500 MB wait, and all arrive in the end.',
    run: () =>
      withStack({}, async (stack) => {
        await load(stack)
        const held: (() => void)[] = []
        stack.partner.behave((request, response) => {
          request.pause()
          held.push(() => request.resume().on('end', () => response.end()))
        })
        const before = await memory(stack)
        const uploads = load(stack, { requests: WAITING, method: 'POST', body: Buffer.alloc(BYTES_EACH) })
        const grown = (await settledMemory(stack, WAITING)) - before
        expect(grown).to.be.lessThan(MAY_GROW)
        for (const release of held) release()
        const outcome = await uploads
        expect(outcome).to.deep.equal({ 200: WAITING })
        return `500 MB waiting, ${megabytes(grown)} MB grown; then ${inWords(outcome)}`
      }),
  },
  {
    id: 'half-open',
    fault: '500 connections are opened: half say nothing, half send half a request head.',
    invariant: 'The proxy ends them all within its limit of 15 s for a request head; requests beside them succeed.',
    run: () =>
      withStack({}, async (stack) => {
        const sockets = await Promise.all(
          Array.from({ length: 500 }, (_, index) => startNothing(stack, index % 2 === 0)),
        )
        const beside = await load(stack)
        expect(beside).to.deep.equal({ 200: REQUESTS })
        await until('all are closed', () => sockets.every(({ closed }) => closed), 25_000)
        return `500 closed; beside them ${inWords(beside)}`
      }),
  },
]

/** With the memory limit of the chart, where this machine can give one. */
async function withStackOf128Mib(run: (stack: Stack) => Promise<string>): Promise<string> {
  if ((await missingGroups()) !== undefined) return withStack({}, run)
  const group = createGroup({ memoryMiB: 128 })
  try {
    const counted = await withStack({ group }, run)
    expect(group.pressure().killed, 'killed for memory').to.equal(false)
    return counted
  } finally {
    await group.remove()
  }
}

async function startDownload({ proxyPort, url }: Stack, bytes: number): Promise<Socket> {
  const socket = await openSocket(proxyPort)
  socket.write(`GET ${url} HTTP/1.1\r\nHost: x\r\nX-Bytes: ${bytes}\r\n\r\n`)
  await once(socket, 'readable')
  return socket
}

async function abortDownload(stack: Stack): Promise<void> {
  const socket = await startDownload(stack, 10 << 20)
  socket.resetAndDestroy()
}

async function startNothing({ proxyPort, url }: Stack, silent: boolean): Promise<Socket> {
  const socket = await openSocket(proxyPort)
  if (!silent) socket.write(`GET ${url} HTTP/1.1\r\nHos`)
  return socket.resume()
}

async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}
