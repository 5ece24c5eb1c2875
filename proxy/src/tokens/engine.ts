import { createTokenEntry } from './cache-entry.ts'
import type { TokenEntry, TokenEntryDeps, TokenEntryEvents } from './cache-entry.ts'
import type { SubjectTokenSpec } from './exchanges/exchange.ts'
import { TokenFailure } from './failures.ts'
import { MAXIMUM_KEYS, idleAfterMs } from './policy.ts'
import { subjectOf } from './sources.ts'
import type { TokenSources } from './sources.ts'
import { within } from './time.ts'
import type { TokenRequest, Tokens } from './token-request.ts'
import type { Token } from './token.ts'

export interface TokenEngineDeps extends TokenEntryDeps {
  /**
   * The pod has no AWS credentials at all, and never had in this process. The process should end with EXIT.noCredentials and
   * `failure.message` as its last line, which becomes the termination message.
   */
  readonly onNoCredentials: (failure: TokenFailure) => void
}

export interface TokenEngine extends Tokens {
  /**
   * Starts fetching, without waiting. Call it once.
   * @param requests those whose audience is known beforehand; may be empty.
   * @param sources that any request may need. Those that no known one needs look for their credentials.
   */
  prefetch(requests: readonly TokenRequest[], sources?: readonly SourceName[]): void
  /** Whether every prefetched key has had a token; never turns false again. */
  ready(): boolean
  /** Mints anew whatever is cached, for doctor. @throws TokenFailure (as rejection). */
  renew(request: TokenRequest): Promise<Token>
  /** Ends work in the background. */
  close(): void
}

type SourceName = SubjectTokenSpec['source']

/** Keys that readiness waits for cannot be dropped; there is always room for others. */
const MAXIMUM_AWAITED = MAXIMUM_KEYS / 2

/**
 * Tokens by key: synchronous while one is cached, refreshed in the background, served until shortly before they expire.
 *
 * ```ts
 * const tokens = createTokenEngine({ sources, clock: createSystemClock(), random: Math.random, log, observer, onNoCredentials })
 * // once the server listens:
 * tokens.prefetch(requestsOfStaticRoutes)
 * // per request; no await in the usual case:
 * const token = tokens.get(request)
 * typeof token === 'string' ? forward(token) : token.then(forward, respondWithProxyError)
 * ```
 */
export function createTokenEngine(deps: TokenEngineDeps): TokenEngine {
  const { sources, clock, log, onNoCredentials } = deps
  const entries = new Map<string, TokenEntry>()
  /** Keys that readiness still waits for. */
  const awaited = new Set<string>()
  let everMinted = false

  const events: TokenEntryEvents = {
    minted: ({ request }) => {
      everMinted = true
      awaited.delete(request.key)
    },
    failed: (failure) => {
      if (failure.reason === 'no_credentials' && !everMinted) onNoCredentials(failure)
    },
    wanted: (entry) => {
      const idleMs = clock.now().monotonicMs - entry.usedMs
      if (awaited.has(entry.request.key) || idleMs < idleAfterMs(entry.lifeMs)) return true
      drop(entry)
      return false
    },
  }

  return {
    get: (request) => (entries.get(request.key) ?? add(request)).get(),
    holds: (request) => entries.has(request.key),
    reject: (request, value) => entries.get(request.key)?.reject(value),
    renew: (request) => (entries.get(request.key) ?? add(request)).renew(),
    ready: () => awaited.size === 0,
    prefetch,
    close: () => entries.forEach(drop),
  }

  function prefetch(requests: readonly TokenRequest[], needed: readonly SourceName[] = []): void {
    for (const request of requests) {
      if (entries.has(request.key) || awaited.size >= MAXIMUM_AWAITED) continue
      awaited.add(request.key)
      add(request).begin()
    }
    const fetched = new Set(requests.map(({ spec }) => subjectOf(spec).source))
    for (const name of needed) if (!fetched.has(name)) warm(sources[name])
  }

  /** Finds out about missing credentials now rather than with the first request. */
  function warm(source: TokenSources[SourceName]): void {
    within(
      clock,
      source.limits.attemptMs,
      (signal) => source.warm(signal),
      () => new TokenFailure(source.timeout),
    ).catch((error: unknown) => {
      const failure = error instanceof TokenFailure ? error : new TokenFailure('unknown', String(error))
      log.warn('credentials not found', { reason: failure.reason, detail: failure.message, hint: failure.row.hint })
      events.failed(failure)
    })
  }

  function add(request: TokenRequest): TokenEntry {
    if (entries.size >= MAXIMUM_KEYS) makeRoom(request)
    const entry = createTokenEntry(request, deps, events)
    entries.set(request.key, entry)
    return entry
  }

  /** Drops the key used least recently. Unlisted hosts go first and never push a listed one out; they exceed the bound by one at most. */
  function makeRoom({ unlisted }: TokenRequest): void {
    const all = [...entries.values()].filter(({ request }) => !awaited.has(request.key))
    const made = all.filter(({ request }) => request.unlisted)
    const candidates = made.length > 0 || unlisted ? made : all
    const [first] = candidates
    if (first) drop(candidates.reduce((oldest, entry) => (entry.usedMs < oldest.usedMs ? entry : oldest), first))
  }

  function drop(entry: TokenEntry): void {
    entry.close()
    entries.delete(entry.request.key)
  }
}
