import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'chai'
import { runHttp2Load, runLoad } from '../support/stack/load.ts'
import type { LoadOptions, Tally } from '../support/stack/load.ts'
import { ANSWER } from '../support/stack/partner.ts'
import { startStack } from '../support/stack/stack.ts'
import type { Stack, StackOptions } from '../support/stack/stack.ts'
import { until } from '../support/until.ts'

export const REQUESTS = 100
const CONCURRENCY = 10
/** A little more than what ten connections may hold in their buffers on both sides. */
export const MAY_GROW = 40 << 20
/** Until 15 s before its end a token is used; the last request needs a little time. */
const UNUSED_SECONDS = 16

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

/** Ten connections, about 200 requests a second. */
export function steadily(stack: Stack, milliseconds: number): Promise<Tally> {
  const end = performance.now() + milliseconds
  stack.partner.behave((request, response) => void delay(50).then(() => ANSWER(request, response)))
  return load(stack, { requests: 1_000_000, proceed: () => performance.now() < end })
}

/** The same until just before the token that the proxy holds is used no more. */
export async function untilUnused(stack: Stack): Promise<Tally> {
  const expiry = await stack.metric(`outbound_jwt_token_expiry_timestamp_seconds{route="${routeOf(stack)}"}`)
  return steadily(stack, (expiry - UNUSED_SECONDS) * 1000 - Date.now())
}

/** Resolves when requests succeed again. Cool-downs end within 5 s of an outage while requests wait; those of refusals take longer. */
export async function recovered(stack: Stack): Promise<Tally> {
  const works = async (): Promise<boolean> => (await load(stack, { requests: 1, concurrency: 1 }))['200'] === 1
  await until('a request succeeds', works, 90_000)
  const after = await load(stack)
  expect(after).to.deep.equal({ 200: REQUESTS })
  return after
}

/** A route without a name has that of its first host. */
export const routeOf = ({ url }: Stack): string => new URL(url).host

/** The volumes of a pod whose partner is called by its https:// URL. */
export interface Volumes {
  readonly trust: string
  readonly authority: string
  /** PEM of what the application trusts as of now. */
  readonly anchor: () => string
}

/** The same with a route that intercepts. */
export async function withInterception(
  options: StackOptions,
  run: (stack: Stack, volumes: Volumes) => Promise<string>,
): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'faults-volumes-'))
  const [trust, authority] = ['trust', 'authority'].map((name) => join(directory, name)) as [string, string]
  for (const path of [trust, authority]) mkdirSync(path)
  const anchor = (): string => readFileSync(join(trust, 'ca.crt'), 'utf8')
  try {
    return await withStack(
      {
        ...options,
        route: { https: 'intercept', ...options.route },
        environment: { TRUST_DIR: trust, AUTHORITY_DIR: authority, ...options.environment },
      },
      (stack) => run(stack, { trust, authority, anchor }),
    )
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Sends 100 requests by HTTP/2 to the https:// URL, ten at a time. @param anchor PEM. @throws what the handshake reports. */
export function secureLoad(stack: Stack, anchor: string, options: Partial<LoadOptions> = {}): Promise<Tally> {
  const url = stack.url.replace('http:', 'https:')
  return runHttp2Load(
    { proxyPort: stack.proxyPort, url, requests: REQUESTS, concurrency: CONCURRENCY, ...options },
    anchor,
  )
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

/** Of the proxy, in bytes. */
export const memory = (stack: Stack): Promise<number> => stack.metric('process_resident_memory_bytes')
export const megabytes = (bytes: number): number => Math.max(0, Math.round(bytes / (1 << 20)))

/** @returns the memory of the proxy once it has so many requests and has not grown by a megabyte in any tenth of a whole second. */
export async function settledMemory(stack: Stack, requests: number): Promise<number> {
  await until('all wait', async () => (await stack.metric('outbound_jwt_requests_in_flight')) === requests)
  let last = 0
  let calm = 0
  await until(
    'memory stops growing',
    async () => {
      const now = await memory(stack)
      calm = now - last < 1 << 20 ? calm + 1 : 0
      last = now
      return calm >= 10
    },
    20_000,
    100,
  )
  return last
}
