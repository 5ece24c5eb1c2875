import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { createTestAuthority } from '../../support/certificates.ts'
import { startUpstream } from '../../support/proxy/upstream.ts'
import { runLoad } from '../../support/stack/load.ts'
import { PARTNER_HOST, startStack } from '../../support/stack/stack.ts'
import type { Stack } from '../../support/stack/stack.ts'
import { usageOf } from '../proxy/measure.ts'
import { median } from '../report/statistics.ts'

/** What requests with an exchanged token met. */
export interface ExchangedOutcome {
  readonly requests: number
  /** Calls of STS, and of the token endpoint. */
  readonly calls: number
  readonly exchanges: number
  /** Any answer but 200. */
  readonly failed: number
  /** Requests that found no token and had to wait for one. */
  readonly waited: number
}

interface EndpointOptions {
  /** Of the result. */
  readonly expiresIn: number
  readonly delayMs?: number
}

interface ExchangeStack {
  readonly stack: Stack
  /** Calls of the token endpoint so far, and of those the ones it refused. */
  readonly endpoint: { calls: number; refused: number; down: boolean }
}

const TOKEN_HOST = 'token.bench.example'
/** Below the proxy's limit of requests in flight. */
const CONNECTIONS = 500
const COLD_MS = 2_000
const HOUR_SECONDS = 3_600
const LOAD_CONNECTIONS = 20
const WARM_ROUNDS = 5
const WARM_REQUESTS = 2_000
/** A result of so short a life is refreshed after a fifth of it: never in a loop. */
const REFRESHED = { expiresIn: 30, seconds: 20 }
/** It lives longer than the load lasts, and is due for a refresh long before. */
const OUTAGE = { expiresIn: 40, seconds: 20 }

/** Requests that find no token, while the endpoint takes two seconds. */
export function coldExchange(requests: number): Promise<ExchangedOutcome> {
  return withExchange({ expiresIn: HOUR_SECONDS, delayMs: COLD_MS }, async (world) => {
    const { proxyPort, url } = world.stack
    const tally = await runLoad({ proxyPort, url, requests, concurrency: Math.min(requests, CONNECTIONS) })
    return outcome(world, requests, tally['200'] ?? 0)
  })
}

/** Requests while the result is refreshed over and over. */
export function refreshedExchange(): Promise<ExchangedOutcome> {
  return withExchange(REFRESHED, async (world) => loadFor(world, REFRESHED.seconds))
}

/** Requests while the endpoint is down and the last result lives. */
export function exchangeOutage(): Promise<ExchangedOutcome> {
  return withExchange(OUTAGE, async (world) => {
    await runLoad({ proxyPort: world.stack.proxyPort, url: world.stack.url, requests: 1, concurrency: 1 })
    world.endpoint.down = true
    const found = await loadFor(world, OUTAGE.seconds)
    if (world.endpoint.refused === 0) throw new Error('the outage met no refresh')
    return found
  })
}

/** @returns CPU of the proxy per request with an exchanged token, beside one with the token of AWS itself. */
export async function warmExchange(): Promise<number> {
  const raw = await startStack()
  try {
    return await withExchange({ expiresIn: HOUR_SECONDS }, async ({ stack }) => {
      await cpuPerRequest(raw)
      await cpuPerRequest(stack)
      const ratios: number[] = []
      while (ratios.length < WARM_ROUNDS) {
        const base = await cpuPerRequest(raw)
        ratios.push((await cpuPerRequest(stack)) / base)
      }
      return median(ratios)
    })
  } finally {
    await raw.close()
  }
}

async function cpuPerRequest(stack: Stack): Promise<number> {
  const { proxyPort, url } = stack
  const { pid } = stack.proxy()
  const before = usageOf(pid).cpuSeconds
  const tally = await runLoad({ proxyPort, url, requests: WARM_REQUESTS, concurrency: LOAD_CONNECTIONS })
  if (tally['200'] !== WARM_REQUESTS) throw new Error(`not all were answered: ${JSON.stringify(tally)}`)
  return (usageOf(pid).cpuSeconds - before) / WARM_REQUESTS
}

async function loadFor(world: ExchangeStack, seconds: number): Promise<ExchangedOutcome> {
  const { proxyPort, url } = world.stack
  const endMs = performance.now() + seconds * 1000
  let requests = 0
  let answered = 0
  while (performance.now() < endMs) {
    const tally = await runLoad({ proxyPort, url, requests: LOAD_CONNECTIONS, concurrency: LOAD_CONNECTIONS })
    requests += LOAD_CONNECTIONS
    answered += tally['200'] ?? 0
    await delay(20)
  }
  return outcome(world, requests, answered)
}

async function outcome(
  { stack, endpoint }: ExchangeStack,
  requests: number,
  answered: number,
): Promise<ExchangedOutcome> {
  return {
    requests,
    calls: stack.emulator.calls().filter(({ action }) => action === 'GetWebIdentityToken').length,
    exchanges: endpoint.calls,
    failed: requests - answered,
    waited: await stack.metric('outbound_jwt_token_lookups_total{result="miss"}'),
  }
}

/** A stack whose route has an exchange. The endpoint gives back what it was given, so that the partner still verifies it. */
async function withExchange<T>(
  { expiresIn, delayMs = 0 }: EndpointOptions,
  run: (world: ExchangeStack) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'outbound-jwt-exchange-'))
  const caFile = join(directory, 'ca.crt')
  const authority = await createTestAuthority()
  writeFileSync(caFile, authority.ca)
  const endpoint = { calls: 0, refused: 0, down: false }
  const server = await startUpstream(
    (request, response) => {
      endpoint.calls++
      void text(request).then(async (form) => {
        await delay(delayMs)
        if (endpoint.down) endpoint.refused++
        const token = new URLSearchParams(form).get('subject_token')
        response.writeHead(endpoint.down ? 503 : 200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: expiresIn }))
      })
    },
    await authority.issue([TOKEN_HOST]),
  )
  const tokenUrl = `https://${TOKEN_HOST}:${server.port}/token`
  try {
    const stack = await startStack({
      route: { exchange: { type: 'oauth2', grant: 'token-exchange', tokenUrl, caFile } },
      environment: { RESOLVE_HOSTS: `${PARTNER_HOST}=127.0.0.1,${TOKEN_HOST}=127.0.0.1` },
    })
    try {
      return await run({ stack, endpoint })
    } finally {
      await stack.close()
    }
  } finally {
    await server.close()
    rmSync(directory, { recursive: true })
  }
}
