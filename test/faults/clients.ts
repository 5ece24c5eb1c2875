// The application's side breaks: aborts, reads or writes nothing, opens connections and says nothing.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { expect } from 'chai'
import type { Stack } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import { MAY_GROW, REQUESTS, inWords, load, megabytes, memory, settled, settledMemory, withStack } from './scenario.ts'

const WAITING = 10
const BYTES_EACH = 50 << 20

export const ROWS: readonly FaultRow[] = [
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
