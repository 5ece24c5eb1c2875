import type { Logger } from '../runtime/index.ts'
import { TokenFailure, toProxyError } from './failures.ts'
import type { TokenObserver } from './observer.ts'
import { REJECTION_INTERVAL_MS, freshness, pauseAfter, planLife } from './policy.ts'
import type { Life, Pause } from './policy.ts'
import { sourceOf } from './sources.ts'
import type { TokenSources } from './sources.ts'
import type { Clock, Instant } from './time.ts'
import { within } from './time.ts'
import type { TokenRequest } from './token-request.ts'
import type { Token } from './token.ts'

export interface TokenEntryDeps {
  readonly sources: TokenSources
  readonly clock: Clock
  /** In [0, 1). */
  readonly random: () => number
  readonly log: Logger
  readonly observer: TokenObserver
  /** TOKEN_REFRESH_SKEW. */
  readonly refreshSkewSeconds: number | undefined
}

/** What an entry tells the engine that keeps it. */
export interface TokenEntryEvents {
  minted(entry: TokenEntry): void
  failed(failure: TokenFailure): void
  /** Asked before work in the background: whether the key is still wanted. False: the engine has closed the entry. */
  wanted(entry: TokenEntry): boolean
}

/** One key: its token, the attempt to mint the next one, and the memory of what went wrong. */
export interface TokenEntry {
  readonly request: TokenRequest
  /** When a request last wanted it, monotonic. */
  usedMs: number
  /** Life of its latest token; 0 before the first. */
  lifeMs: number
  /** See `Tokens.get`. */
  get(): string | Promise<string>
  /**
   * The partner did not accept this token. An exchanged one may have been revoked: it is not sent again, so that the next request mints. A
   * newer one stays, and so does one that is sent as its issuer signed it: the next would be as good or bad.
   */
  reject(value: string): void
  /** Mints in the background, unless an attempt is under way. */
  begin(): void
  /** Mints anew, whatever is cached or under way. @throws TokenFailure (as rejection). */
  renew(): Promise<Token>
  /** Ends all work in the background; requests that wait get their answer. */
  close(): void
}

interface Held {
  readonly value: string
  readonly life: Life
  /** Number of the attempt that minted it. */
  readonly attempt: number
}

interface Trouble extends Pause {
  readonly failure: TokenFailure
  readonly failures: number
  readonly atMs: number
}

/** Creates the entry of one key, without a token and without work under way. */
export function createTokenEntry(request: TokenRequest, deps: TokenEntryDeps, events: TokenEntryEvents): TokenEntry {
  const { sources, clock, random, log, observer, refreshSkewSeconds } = deps
  const refreshSkewMs = refreshSkewSeconds === undefined ? undefined : refreshSkewSeconds * 1000
  const source = sourceOf(sources, request.spec)
  let token: Held | undefined
  let trouble: Trouble | undefined
  let attempts = 0
  let ordinary: Promise<Token> | undefined
  let forced: Promise<Token> | undefined
  let waiting: Promise<string> | undefined
  let rejectedAtMs = Number.NEGATIVE_INFINITY
  /** Until when requests wait through failures that pass by themselves; later ones are answered at once. */
  let patientUntilMs: number | undefined
  let cancelTimer = (): void => undefined
  let closed = false

  const entry: TokenEntry = { request, usedMs: clock.now().monotonicMs, lifeMs: 0, get, reject, begin, renew, close }
  return entry

  function get(): string | Promise<string> {
    const now = clock.now()
    entry.usedMs = now.monotonicMs
    const state = token ? freshness(token.life, now) : 'expired'
    if (!token || state === 'expired') {
      observer.looked('miss')
      return (waiting ??= wait(now.monotonicMs))
    }
    observer.looked('hit')
    // The timer does this too, but it stands still while the machine is suspended.
    if (state === 'refresh' && (!trouble || now.monotonicMs >= trouble.atMs + trouble.backgroundMs)) begin()
    return token.value
  }

  function reject(value: string): void {
    const { monotonicMs } = clock.now()
    if (request.spec.source !== 'exchange' || token?.value !== value) return
    if (monotonicMs - rejectedAtMs < REJECTION_INTERVAL_MS) return
    rejectedAtMs = monotonicMs
    token = undefined
    observer.rejected(request.route)
    log.warn('token not accepted by the partner', {
      route: request.route,
      hint: 'The partner says invalid_token (401). The next request gets a new one.',
    })
  }

  /** Shared by all requests that find no token; detached from each of them. Settles within the limit of the source. */
  function wait(startMs: number): Promise<string> {
    const patientMs = (patientUntilMs ??= startMs + source.limits.waitMs)
    return new Promise((resolve, reject) => {
      let settled = false
      const settle = (finish: () => void): void => {
        settled = true
        cancelDeadline()
        waiting = undefined
        finish()
      }
      const refuse = (): void => settle(() => reject(refusal()))
      const cancelDeadline = clock.after(source.limits.waitMs, refuse)
      const step = (): void => {
        if (settled) return
        const now = clock.now()
        const value = usable(now)
        if (value !== undefined) {
          settle(() => resolve(value))
          return
        }
        const pauseMs = trouble && !ordinary ? trouble.atMs + trouble.wantedMs - now.monotonicMs : 0
        if (pauseMs <= 0) {
          fetch().then(step, step)
          return
        }
        const patient = trouble?.wait === true && now.monotonicMs + pauseMs < patientMs
        if (patient) clock.after(pauseMs, step)
        else refuse()
      }
      // Not before `waiting` is assigned: `settle` clears it.
      queueMicrotask(step)
    })
  }

  function usable(now: Instant): string | undefined {
    return token && freshness(token.life, now) !== 'expired' ? token.value : undefined
  }

  function refusal(): Error {
    if (!trouble) return toProxyError(new TokenFailure(source.timeout))
    return toProxyError(trouble.failure, trouble.atMs + trouble.wantedMs - clock.now().monotonicMs)
  }

  function begin(): void {
    fetch().catch(() => undefined)
  }

  function fetch(): Promise<Token> {
    ordinary ??= attempt().finally(() => {
      ordinary = undefined
    })
    return ordinary
  }

  function renew(): Promise<Token> {
    forced ??= attempt().finally(() => {
      forced = undefined
    })
    return forced
  }

  async function attempt(): Promise<Token> {
    const number = ++attempts
    const start = clock.now()
    try {
      const minted = await within(
        clock,
        source.limits.attemptMs,
        (signal) => source.mint(request, signal),
        () => new TokenFailure(source.timeout),
      )
      accept(number, start, minted)
      return minted
    } catch (error) {
      const failure = error instanceof TokenFailure ? error : new TokenFailure('unknown', String(error))
      remember(number, failure)
      throw failure
    }
  }

  function accept(number: number, start: Instant, { value, expiresInMs, evidence, clockSkewMs }: Token): void {
    observer.fetched('ok')
    // An old answer never replaces a newer one.
    if (token && token.attempt > number) return
    const life = planLife({ start, lifeMs: expiresInMs, first: !token, random: random(), refreshSkewMs })
    const recovered = trouble !== undefined
    token = { value, life, attempt: number }
    trouble = undefined
    patientUntilMs = undefined
    entry.lifeMs = expiresInMs
    const now = clock.now()
    if (!closed)
      observer.replaced(request, {
        issuedWallMs: start.wallMs,
        expiresWallMs: start.wallMs + expiresInMs,
        clockSkewMs,
        bytes: value.length,
      })
    const fields = {
      route: request.route,
      jti: evidence?.jti,
      sub: evidence?.subject,
      lifeSeconds: expiresInMs / 1000,
    }
    if (recovered || number === 1) log.info(recovered ? 'token minted again' : 'token minted', fields)
    else log.debug('token refreshed', fields)
    schedule(life.refreshAfterMs - (now.monotonicMs - start.monotonicMs))
    events.minted(entry)
  }

  function remember(number: number, failure: TokenFailure): void {
    observer.fetched(failure.row.class)
    if (token && token.attempt > number) return
    const now = clock.now()
    const failures = (trouble?.failures ?? 0) + 1
    const pause = pauseAfter(failure.row.class, failures, random(), failure.retryAfterMs)
    trouble = { ...pause, failure, failures, atMs: now.monotonicMs }
    if (usable(now) !== undefined) observer.refreshFailed(request.route)
    log.warn('token not minted', {
      route: request.route,
      step: failure.step,
      reason: failure.reason,
      detail: failure.message,
      hint: failure.row.hint,
      failures,
      retryInMs: Math.round(pause.backgroundMs),
    })
    schedule(pause.backgroundMs)
    events.failed(failure)
  }

  function schedule(delayMs: number): void {
    cancelTimer()
    if (closed) return
    cancelTimer = clock.after(Math.max(delayMs, 0), () => {
      if (events.wanted(entry)) begin()
    })
  }

  function close(): void {
    closed = true
    cancelTimer()
    observer.dropped(request)
  }
}
