// When a certificate is made, published, served and forgotten. Design: docs/certificates.md.
// Wall-clock times decide validity: the API server's, which replicas read with what it stores. Waiting is measured with a monotonic
// clock that each replica has for itself.

/** A certificate as trust sees it. Times are wall clock, milliseconds. */
export interface Anchor {
  /** SHA-256 fingerprint; the same certificate has the same ID everywhere. */
  readonly id: string
  readonly notBefore: number
  readonly notAfter: number
}

/** A certificate as a server sees it. */
export interface Candidate extends Anchor {
  /** Whether it names every host that the API server may call. */
  readonly fits: boolean
}

export interface Lifetimes {
  readonly lifetimeMs: number
  /** A certificate is served this long after it was published: control planes with several API servers see changes late. */
  readonly publicationDelayMs: number
}

/** Monotonic time, milliseconds, at which each ID was first seen in its place, without a gap since. */
export type Sightings = ReadonlyMap<string, number>

/** @returns the sightings after one more look. */
export function sight(previous: Sightings, ids: readonly string[], at: number): Sightings {
  return new Map(ids.map((id) => [id, previous.get(id) ?? at]))
}

/** Renewed at two thirds of its life. */
const RENEWAL_LEFT = 1 / 3
/** Of the time left at renewal: replicas spread over it, so that mostly one of them does the work. */
const JITTER_SHARE = 0.1

/** Of the publication delay: every replica has looked twice by then, and put back what it serves. */
const CLAIM_SHARE = 1 / 2

export interface StorePlan<C> {
  /** What the Secret should hold, beside a new certificate. */
  readonly keep: readonly C[]
  readonly mint: boolean
}

/**
 * Plans the contents of the Secret: everything unexpired, always including what this replica serves. A new certificate is made when
 * none *stored* is fresh, so that deleting the Secret is how an operator asks for a new key.
 * @param jitter from 0 to 1, drawn once per replica.
 */
export function planStore<C extends Candidate>(
  stored: readonly C[],
  served: C | undefined,
  { now, jitter, lifetimes }: { readonly now: number; readonly jitter: number; readonly lifetimes: Lifetimes },
): StorePlan<C> {
  const renewalLeftMs = lifetimes.lifetimeMs * RENEWAL_LEFT * (1 - JITTER_SHARE * jitter)
  return {
    keep: union(stored, served ? [served] : []).filter((candidate) => isUnexpired(candidate, now)),
    mint: !stored.some(
      (candidate) => candidate.fits && isBegun(candidate, now) && now < candidate.notAfter - renewalLeftMs,
    ),
  }
}

/**
 * Plans `caBundle`: what is stored, and anchors that are not (any more) stored for as long as another replica may need to put them
 * back: it may be serving one that this replica has never heard of.
 * @param orphans anchors of ours that are published and not stored.
 */
export function planBundle<A extends Anchor>(
  stored: readonly A[],
  orphans: readonly A[],
  {
    now,
    elapsed,
    sightings,
    lifetimes,
  }: {
    readonly now: number
    /** Monotonic milliseconds. */
    readonly elapsed: number
    readonly sightings: Sightings
    readonly lifetimes: Lifetimes
  },
): readonly A[] {
  const claimable = orphans.filter(({ id }) => age(sightings, id, elapsed) < lifetimes.publicationDelayMs)
  return union(stored, claimable)
    .filter((anchor) => isUnexpired(anchor, now))
    .sort(byAge)
}

export interface ServingState<C extends Candidate> {
  readonly stored: readonly C[]
  readonly served: C | undefined
  /** What every `caBundle` holds now, and since when this replica has seen it there. */
  readonly published: Sightings
  /** Published anchors of ours that are not stored, and since when. */
  readonly orphaned: Sightings
  readonly now: number
  readonly elapsed: number
  readonly lifetimes: Lifetimes
}

/**
 * Chooses what to serve: the newest certificate that has been published long enough; until then the present one; without one the
 * oldest that is published, which most API servers have seen. A replica that has just started waits while an orphan is published:
 * somebody is about to put it back, and it is the one that API servers know.
 */
export function chooseServed<C extends Candidate>(state: ServingState<C>): C | undefined {
  const { stored, served, published, orphaned, now, elapsed, lifetimes } = state
  const usable = (candidate: C): boolean => candidate.fits && isBegun(candidate, now) && isUnexpired(candidate, now)
  const candidates = stored.filter((candidate) => usable(candidate) && published.has(candidate.id)).sort(byAge)
  const settled = candidates.filter(({ id }) => age(published, id, elapsed) >= lifetimes.publicationDelayMs)
  const newest = settled.at(-1)
  if (newest) return newest
  if (served && usable(served)) return served
  const claimMs = lifetimes.publicationDelayMs * CLAIM_SHARE
  return [...orphaned.keys()].some((id) => age(orphaned, id, elapsed) < claimMs) ? undefined : candidates[0]
}

const age = (sightings: Sightings, id: string, elapsed: number): number => elapsed - (sightings.get(id) ?? elapsed)

/** A certificate from the future was made by a clock that was wrong; an API server refuses it as long as it would an expired one. */
const isBegun = ({ notBefore }: Anchor, now: number): boolean => notBefore <= now

const isUnexpired = ({ notAfter }: Anchor, now: number): boolean => now < notAfter

/** The same order in every replica, so that all write the same bytes. */
function byAge(a: Anchor, b: Anchor): number {
  return a.notAfter - b.notAfter || (a.id < b.id ? -1 : 1)
}

function union<A extends Anchor>(first: readonly A[], second: readonly A[]): A[] {
  return [...new Map([...second, ...first].map((anchor) => [anchor.id, anchor])).values()]
}
