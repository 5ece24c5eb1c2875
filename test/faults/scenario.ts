import { expect } from 'chai'
import { runLoad } from '../support/stack/load.ts'
import type { LoadOptions, Tally } from '../support/stack/load.ts'
import { startStack } from '../support/stack/stack.ts'
import type { Stack, StackOptions } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

export const REQUESTS = 100
const CONCURRENCY = 10

/** Runs one scenario on a stack of its own. SECURITY: whatever breaks, no request reaches the partner without a token, and no token is logged. */
export async function withStack(options: StackOptions, run: (stack: Stack) => Promise<string>): Promise<string> {
  const stack = await startStack(options)
  try {
    const counted = await run(stack)
    expect(stack.partner.unverified(), 'requests without a token at the partner').to.equal(0)
    expect(stack.proxy().output()).not.to.match(/eyJ[\w-]+\./)
    return counted
  } finally {
    await stack.close()
  }
}

/** Sends 100 requests, ten at a time. */
export function load({ proxyPort, url }: Stack, options: Partial<LoadOptions> = {}): Promise<Tally> {
  return runLoad({ proxyPort, url, requests: REQUESTS, concurrency: CONCURRENCY, ...options })
}

/** Resolves when no request is under way and no more connections to the partner are open than a load needs. */
export async function settled(stack: Stack): Promise<void> {
  await until('no request is in flight', async () => (await stack.metric('outbound_jwt_requests_in_flight')) === 0)
  await until('connections to the partner are closed', () => stack.partner.sockets() <= CONCURRENCY)
}

export function inWords(tally: Tally): string {
  return Object.entries(tally)
    .map(([outcome, count]) => `${count} × ${outcome}`)
    .join(', ')
}
