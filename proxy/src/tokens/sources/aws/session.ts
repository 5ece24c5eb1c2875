import { DURATION_BOUNDS } from '../../../contract.ts'

/** A session renewed less than this ago is not renewed again: renewing would hit STS with every token. */
export const RENEWAL_INTERVAL_MS = 60_000
/** With less than this beyond the token's life, a new session is worth its call. */
const RENEWAL_MARGIN_SECONDS = 30
/** The token must expire strictly before its session, by both clocks. */
const SESSION_MARGIN_SECONDS = 15

/** @param remainingSeconds what is left of the session; undefined when the credentials do not say. */
export function isSessionShort(wantedSeconds: number, remainingSeconds: number | undefined): boolean {
  return remainingSeconds !== undefined && remainingSeconds < wantedSeconds + RENEWAL_MARGIN_SECONDS
}

/**
 * @returns the longest life a token may have, at most as wanted. Never less than STS's minimum: a session that seems to have ended may be
 * a clock that is wrong, and STS is the judge of that.
 */
export function fittingSeconds(wantedSeconds: number, remainingSeconds: number | undefined): number {
  if (remainingSeconds === undefined) return wantedSeconds
  const fitting = Math.min(wantedSeconds, Math.floor(remainingSeconds) - SESSION_MARGIN_SECONDS)
  return Math.max(fitting, DURATION_BOUNDS.minimum)
}

/** Whether the session can hold the shortest token. */
export function canHoldAny(remainingSeconds: number | undefined): boolean {
  return remainingSeconds === undefined || remainingSeconds >= DURATION_BOUNDS.minimum + SESSION_MARGIN_SECONDS
}

/** @returns half the life, at least STS's minimum; undefined when it was the minimum already. */
export function halvedSeconds(seconds: number): number | undefined {
  if (seconds <= DURATION_BOUNDS.minimum) return undefined
  return Math.max(DURATION_BOUNDS.minimum, Math.floor(seconds / 2))
}
