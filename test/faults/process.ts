// The proxy itself is stopped, killed or starved.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import type { LoadOptions } from '../support/stack/load.ts'
import { ANSWER } from '../support/stack/partner.ts'
import type { Behaviour } from '../support/stack/partner.ts'
import { until } from '../support/until.ts'
import type { FaultRow } from './row.ts'
import { REQUESTS, inWords, load, withStack } from './scenario.ts'

const late: Behaviour = (request, response) => void delay(300).then(() => ANSWER(request, response))

/** What most requests are doing when the signal comes. */
const PHASES: Readonly<Record<string, { readonly behaviour?: Behaviour; readonly options?: Partial<LoadOptions> }>> = {
  'answered at once': {},
  'waiting for the partner': { behaviour: late },
  'uploading 5 MB': { options: { method: 'POST', body: Buffer.alloc(5 << 20), requests: 40 } },
  'downloading 5 MB': { options: { headers: { 'x-bytes': 5 << 20 }, requests: 40 } },
}

const drains: readonly FaultRow[] = Object.entries(PHASES).map(([phase, { behaviour = ANSWER, options = {} }]) => ({
  id: `sigterm-${phase.replaceAll(' ', '-')}`,
  fault: `SIGTERM while requests on ten connections are ${phase}.`,
  invariant: 'Every request that was sent gets its whole answer; the process exits 0.',
  run: () =>
    withStack({}, async (stack) => {
      stack.partner.behave(behaviour)
      let told = false
      let sent = 0
      const loading = load(stack, {
        ...options,
        requests: 100_000,
        proceed: () => {
          sent++
          return !told
        },
      })
      await until('requests are under way', () => stack.partner.verified() >= 20, 20_000)
      stack.proxy().signal('SIGTERM')
      told = true
      const outcome = await loading
      const { status } = await stack.proxy().exited
      expect(Object.keys(outcome)).to.deep.equal(['200'])
      expect(sent - 10, 'answers for all requests').to.equal(outcome['200'])
      expect(status).to.equal(0)
      return `${inWords(outcome)}; exit 0`
    }),
}))

export const ROWS: readonly FaultRow[] = [
  ...drains,
  {
    id: 'sigkill',
    fault: 'SIGKILL under load, and a new process in its place, as a kubelet does it.',
    invariant: 'Only the ten requests under way break; after the restart all succeed.',
    run: () =>
      withStack({}, async (stack) => {
        stack.partner.behave(late)
        let told = false
        const loading = load(stack, { requests: 100_000, proceed: () => !told })
        await until('requests are under way', () => stack.partner.verified() >= 20, 20_000)
        stack.proxy().signal('SIGKILL')
        told = true
        const during = await loading
        await stack.proxy().exited
        expect(during['broken']).to.equal(10)
        stack.partner.behave(ANSWER)
        await stack.restart()
        const after = await load(stack)
        expect(after).to.deep.equal({ 200: REQUESTS })
        return `${inWords(during)}; afterwards ${inWords(after)}`
      }),
  },
  {
    id: 'files-exhausted',
    fault: 'The proxy may open 64 files, and 200 clients connect.',
    invariant: 'It goes on: once they are gone, all requests succeed.',
    run: () =>
      withStack({ openFiles: 64 }, async (stack) => {
        expect(await load(stack)).to.deep.equal({ 200: REQUESTS })
        const sockets = Array.from({ length: 200 }, () => connect(stack.proxyPort, '127.0.0.1').resume())
        for (const socket of sockets) socket.on('error', () => socket.destroy())
        await Promise.all(sockets.map(connectedOrClosed))
        const refused = await load(stack, { requests: 10 })
        for (const socket of sockets) socket.destroy()
        await until(
          'requests succeed again',
          async () => (await load(stack, { requests: 1, concurrency: 1 }))['200'] === 1,
        )
        const after = await load(stack)
        expect(after).to.deep.equal({ 200: REQUESTS })
        return `meanwhile ${inWords(refused)}; afterwards ${inWords(after)}`
      }),
  },
]

async function connectedOrClosed(socket: Socket): Promise<void> {
  if (socket.connecting) await Promise.race([once(socket, 'connect'), once(socket, 'close')])
}
