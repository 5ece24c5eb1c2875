import { request } from 'node:http'
import { runLoad } from '../../support/stack/load.ts'
import { startStack } from '../../support/stack/stack.ts'
import type { Stack } from '../../support/stack/stack.ts'
import { until } from '../../support/until.ts'

export interface ColdOutcome {
  readonly requests: number
  /** Of STS GetWebIdentityToken. */
  readonly calls: number
  /** Any answer but 200. */
  readonly failed: number
}

/** Below the proxy's limit of requests in flight, beyond which it refuses. */
const CONNECTIONS = 500
/** How long STS takes: long enough for as many to wait as there are connections. */
const STS_MS = 2_000

/** Requests that find no token. The shipped bundle, real sockets, a partner that verifies every token. */
export function coldRequests(requests: number): Promise<ColdOutcome> {
  return withSlowSts((stack) => {
    const answered = send(stack, requests)
    return { waiting: Math.min(requests, CONNECTIONS), answered }
  })
}

/** The same, behind a first caller who leaves while STS still thinks. */
export function requestsBehindLeaver(requests: number): Promise<ColdOutcome> {
  return withSlowSts(async (stack) => {
    const first = request({ host: '127.0.0.1', port: stack.proxyPort, path: stack.url })
    first.on('error', () => undefined).end()
    await waiting(stack, 1)
    const answered = send(stack, requests)
    await waiting(stack, requests + 1)
    first.destroy()
    return { waiting: requests + 1, answered }
  })
}

interface Sent {
  /** How many find no token. */
  readonly waiting: number
  readonly answered: Promise<ColdOutcome>
}

async function withSlowSts(run: (stack: Stack) => Sent | Promise<Sent>): Promise<ColdOutcome> {
  const stack = await startStack({
    faults: [{ operation: 'GetWebIdentityToken', kind: 'delay', milliseconds: STS_MS }],
  })
  try {
    const sent = await run(stack)
    await waiting(stack, sent.waiting)
    return await sent.answered
  } finally {
    await stack.close()
  }
}

async function send(stack: Stack, requests: number): Promise<ColdOutcome> {
  const { proxyPort, url } = stack
  const tally = await runLoad({ proxyPort, url, requests, concurrency: Math.min(requests, CONNECTIONS) })
  const calls = stack.emulator.calls().filter(({ action }) => action === 'GetWebIdentityToken').length
  return { requests, calls, failed: requests - (tally['200'] ?? 0) }
}

function waiting(stack: Stack, count: number): Promise<void> {
  const misses = (): Promise<number> => stack.metric('outbound_jwt_token_lookups_total{result="miss"}')
  return until(`${count} requests found no token`, async () => (await misses()) >= count)
}
