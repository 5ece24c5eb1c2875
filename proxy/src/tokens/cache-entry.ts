import type { Logger } from '../runtime/index.ts'
import { TokenFailure, toProxyError } from './failures.ts'
import type { TokenObserver } from './observer.ts'
import { WAIT_MS, freshness, pauseAfter, planLife } from './policy.ts'
import type { Life, Pause } from './policy.ts'
import type { MintedToken, TokenSource } from './source.ts'
import type { Clock, Instant } from './time.ts'
import { within } from './time.ts'
import type { TokenRequest } from './token-request.ts'

export interface TokenEntryDeps {
  readonly source: TokenSource
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
  /** Mints in the background, unless an attempt is under way. */
  begin(): void
  /** Mints anew, whatever is cached or under way. @throws TokenFailure (as rejection). */
  renew(): Promise<string>
  /** Ends all work in the background; requests that wait get their answer. */
  close(): void
}

interface Held {
  readonly jwt: string
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
  const { source, clock, random, log, observer, refreshSkewSeconds } = deps
  const refreshSkewMs = refreshSkewSeconds === undefined ? undefined : refreshSkewSeconds * 1000
  let token: Held | undefined
  let trouble: Trouble | undefined
  let attempts = 0
  let ordinary: Promise<Held> | undefined
  let forced: Promise<Held> | undefined
  let waiting: Promise<string> | undefined
  /** Until when requests wait through failures that pass by themselves; later ones are answered at once. */
  let patientUntilMs: number | undefined
  let cancelTimer = (): void => undefined
  let closed = false

  const entry: TokenEntry = { request, usedMs: clock.now().monotonicMs, lifeMs: 0, get, begin, renew, close }
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
    return token.jwt
  }

  /** Shared by all requests that find no token; detached from each of them. Settles within WAIT_MS. */
  function wait(startMs: number): Promise<string> {
    const patientMs = (patientUntilMs ??= startMs + WAIT_MS)
    return new Promise((resolve, reject) => {
      let settled = false
      const settle = (finish: () => void): void => {
        settled = true
        cancelDeadline()
        waiting = undefined
        finish()
      }
      const refuse = (): void => settle(() => reject(refusal()))
      const cancelDeadline = clock.after(WAIT_MS, refuse)
      const step = (): void => {
        if (settled) return
        const now = clock.now()
        const jwt = usable(now)
        if (jwt !== undefined) {
          settle(() => resolve(jwt))
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
    return token && freshness(token.life, now) !== 'expired' ? token.jwt : undefined
  }

  function refusal(): Error {
    if (!trouble) return toProxyError(new TokenFailure('sts_timeout'))
    return toProxyError(trouble.failure, trouble.atMs + trouble.wantedMs - clock.now().monotonicMs)
  }

  function begin(): void {
    fetch().catch(() => undefined)
  }

  function fetch(): Promise<Held> {
    ordinary ??= attempt().finally(() => {
      ordinary = undefined
    })
    return ordinary
  }

  async function renew(): Promise<string> {
    forced ??= attempt().finally(() => {
      forced = undefined
    })
    return (await forced).jwt
  }

  async function attempt(): Promise<Held> {
    const number = ++attempts
    const start = clock.now()
    try {
      const minted = await within(
        clock,
        WAIT_MS,
        (signal) => source.mint(request, signal),
        () => new TokenFailure('sts_timeout'),
      )
      return accept(number, start, minted)
    } catch (error) {
      const failure = error instanceof TokenFailure ? error : new TokenFailure('unknown', String(error))
      remember(number, failure)
      throw failure
    }
  }

  function accept(number: number, start: Instant, minted: MintedToken): Held {
    observer.fetched('ok')
    const { lifeMs, jwt } = minted
    const life = planLife({ start, lifeMs, first: !token, random: random(), refreshSkewMs })
    const held = { jwt, life, attempt: number }
    // An old answer never replaces a newer one.
    if (token && token.attempt > number) return held
    const recovered = trouble !== undefined
    token = held
    trouble = undefined
    patientUntilMs = undefined
    entry.lifeMs = lifeMs
    if (!closed)
      observer.replaced(request, {
        issuedWallMs: start.wallMs,
        expiresWallMs: start.wallMs + lifeMs,
        clockSkewMs: minted.clockSkewMs,
        bytes: jwt.length,
      })
    const fields = { route: request.route, jti: minted.jti, sub: minted.subject, lifeSeconds: lifeMs / 1000 }
    if (recovered || number === 1) log.info(recovered ? 'token minted again' : 'token minted', fields)
    else log.debug('token refreshed', fields)
    schedule(life.refreshAfterMs - (clock.now().monotonicMs - start.monotonicMs))
    events.minted(entry)
    return held
  }

  function remember(number: number, failure: TokenFailure): void {
    observer.fetched(failure.row.class)
    if (token && token.attempt > number) return
    const now = clock.now()
    const failures = (trouble?.failures ?? 0) + 1
    const pause = pauseAfter(failure.row.class, failures, random())
    trouble = { ...pause, failure, failures, atMs: now.monotonicMs }
    if (usable(now) !== undefined) observer.refreshFailed(request.route)
    log.warn('token not minted', {
      route: request.route,
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
