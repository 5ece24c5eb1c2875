import type { Backoff } from '../runtime/backoff.ts'
import { backoffMs } from '../runtime/backoff.ts'
import type { FailureClass } from './failures.ts'
import type { Instant } from './time.ts'

/** How long a token is good for, counted from a moment before it was asked for. */
export interface Life {
  readonly start: Instant
  /** Age from which a newer token is fetched in the background. */
  readonly refreshAfterMs: number
  /** Age from which it is no longer sent. */
  readonly usableForMs: number
}

export type Freshness = 'fresh' | 'refresh' | 'expired'

/** A token is not sent in its last seconds: the request has to arrive, and the partner's clock may be ahead. */
export const MINIMUM_REMAINING_MS = 15_000
/** How long things may take. */
export interface TimeLimits {
  /** One attempt to mint. */
  readonly attemptMs: number
  /** A request that waits for its token. */
  readonly waitMs: number
}
export const SOURCE_LIMITS: TimeLimits = { attemptMs: 8_000, waitMs: 8_000 }
/** Source and exchange together; a request also hears of an exchange that ends at its limit. */
export const EXCHANGE_LIMITS: TimeLimits = { attemptMs: 10_000, waitMs: 11_000 }
/** A token that the partner does not accept is dropped at most this often: a partner that accepts none must not cause a loop. */
export const REJECTION_INTERVAL_MS = 30_000
/** More keys than a pod has partners; bounds memory and refreshes when a wildcard rule meets many hosts. */
export const MAXIMUM_KEYS = 256
/** Hosts of wildcards that get their first token within a minute; bounds STS calls when a client makes names up. */
export const UNLISTED_PER_MINUTE = 120
/** How long a name that does not exist is remembered: shorter than anybody waits for a new DNS record to be seen. */
export const ABSENT_MS = 10_000
/** Names remembered that do not exist. */
export const MAXIMUM_ABSENT = 1024

/**
 * Steady state: 47.5–52.5 % of the life. At 900 s the interval is at least 427 s, so no hour has more than 9 calls.
 * The first refresh of a process comes anywhere from 20 to 50 %: pods that start together part at once, and
 * 0.2 × 900 s + 8 × 427.5 s = 3,600 s keeps even that first hour at 9.
 */
const STEADY = { from: 0.475, to: 0.525 }
const FIRST = { from: 0.2, to: 0.5 }
/** Spread of an explicit TOKEN_REFRESH_SKEW, on top of it. */
const SKEW_SPREAD = 0.05
const LATEST_BEFORE_EXPIRY_MS = 2 * MINIMUM_REMAINING_MS

export interface LifePlan {
  readonly start: Instant
  /** `exp − iat` of the token: the issuer's own clock at both ends. */
  readonly lifeMs: number
  /** First token of its key in this process. */
  readonly first: boolean
  /** In [0, 1). */
  readonly random: number
  /** TOKEN_REFRESH_SKEW; wins over the shares of the life. */
  readonly refreshSkewMs?: number | undefined
}

/** Plans when to refresh a token: around half its life, not in its last 30 seconds, and never in its first fifth: STS is not asked in a loop. */
export function planLife({ start, lifeMs, first, random, refreshSkewMs }: LifePlan): Life {
  const range = first ? FIRST : STEADY
  const wished =
    refreshSkewMs === undefined
      ? lifeMs * (range.to - (range.to - range.from) * random)
      : lifeMs - refreshSkewMs * (1 + SKEW_SPREAD * random)
  const usableForMs = lifeMs - MINIMUM_REMAINING_MS
  const refreshAfterMs = Math.max(Math.min(wished, lifeMs - LATEST_BEFORE_EXPIRY_MS), lifeMs * FIRST.from)
  return { start, usableForMs, refreshAfterMs }
}

/** @returns the age by whichever clock says more: one stands still in a suspension, the other may be set back. */
export function ageMs(start: Instant, now: Instant): number {
  return Math.max(now.monotonicMs - start.monotonicMs, now.wallMs - start.wallMs)
}

/** @returns what may be done with a token of this life: send it, send and refresh it, or neither. */
export function freshness(life: Life, now: Instant): Freshness {
  const age = ageMs(life.start, now)
  if (age >= life.usableForMs) return 'expired'
  return age >= life.refreshAfterMs ? 'refresh' : 'fresh'
}

/** A key nobody asked for this long is dropped. */
export function idleAfterMs(lifeMs: number): number {
  return Math.max(600_000, 2 * lifeMs)
}

interface Patience {
  /** Whether a request that waits keeps waiting through such a failure. */
  readonly wait: boolean
  /** Pauses while requests want the token. */
  readonly wanted: Backoff
  readonly background: Backoff
}

/** At most 5 s while wanted, so that a request sees STS recover within 5 s. */
const SOON: Patience = {
  wait: true,
  wanted: { firstMs: 1_000, longestMs: 5_000 },
  background: { firstMs: 2_000, longestMs: 60_000 },
}
/** Somebody has to change something. IAM is eventually consistent, so the engine never gives up for good. */
const LATER: Patience = {
  wait: false,
  wanted: { firstMs: 15_000, longestMs: 15_000 },
  background: { firstMs: 30_000, longestMs: 300_000 },
}
const PATIENCE: Readonly<Record<FailureClass, Patience>> = {
  transient: SOON,
  credentials: SOON,
  duration: LATER,
  config: LATER,
}

/** A wish of the other side that is honoured: beyond it, a key that is asked for comes back to find out. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

/** How long to leave the other side alone after a failed attempt. */
export interface Pause {
  readonly wait: boolean
  readonly wantedMs: number
  readonly backgroundMs: number
}

/**
 * Pauses double with every failure in a row; jitter takes up to half of each.
 * @param failures in a row, this one included.
 * @param random in [0, 1).
 * @param retryAfterMs what the other side wishes at least. RFC 9110 §10.2.3.
 */
export function pauseAfter(failureClass: FailureClass, failures: number, random: number, retryAfterMs = 0): Pause {
  const { wait, wanted, background } = PATIENCE[failureClass]
  const leastMs = Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS)
  return {
    wait,
    wantedMs: Math.max(leastMs, backoffMs(wanted, failures, random)),
    backgroundMs: Math.max(leastMs, backoffMs(background, failures, random)),
  }
}
