import type { Instant } from '../tokens/time.ts'

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS

/** A clock may be set back a little after a certificate was made; it is to be valid then, too. */
const BACKDATED_MS = HOUR_MS
/** Clients read the anchor once, at their start: a pod must not outlive it. */
const AUTHORITY_LIFETIME_MS = 3653 * DAY_MS
const LEAF_LIFETIME_MS = 7 * DAY_MS

/** Wall clock, milliseconds; both ends are valid. */
export interface Validity {
  readonly notBefore: number
  readonly notAfter: number
}

export const authorityValidity = (wallMs: number): Validity => validityFrom(wallMs, AUTHORITY_LIFETIME_MS)
export const leafValidity = (wallMs: number): Validity => validityFrom(wallMs, LEAF_LIFETIME_MS)

function validityFrom(wallMs: number, lifetimeMs: number): Validity {
  return { notBefore: wallMs - BACKDATED_MS, notAfter: wallMs + lifetimeMs }
}

export function isValidAt({ notBefore, notAfter }: Validity, wallMs: number): boolean {
  return wallMs >= notBefore && wallMs <= notAfter
}

/** `renew`: a newer one should be served, but clients still take this one. */
export type LeafState = 'fresh' | 'renew' | 'unusable'

/**
 * What to do with a leaf. Its age is what the clock shows that went further: the monotonic one stands still while a machine is suspended,
 * the wall clock can be set back. Half of the backdating is kept as a margin when it was.
 */
export function leafState(made: Instant, now: Instant): LeafState {
  const wallAgeMs = now.wallMs - made.wallMs
  if (!isValidAt(leafValidity(made.wallMs), now.wallMs)) return 'unusable'
  const ageMs = Math.max(wallAgeMs, now.monotonicMs - made.monotonicMs)
  return ageMs < LEAF_LIFETIME_MS / 2 && wallAgeMs >= -BACKDATED_MS / 2 ? 'fresh' : 'renew'
}
