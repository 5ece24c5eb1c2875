import type { Clock, Instant } from '../tokens/time.ts'
import { leafState } from './validity.ts'

/** More hosts than a pod calls at a time; a client that makes names up below a wildcard gets no more memory than that. */
const MOST_LEAVES = 256
/** Bounds what a flood of names costs: a certificate takes some 7 ms of CPU, so a flood takes a sixth of a core. */
const MOST_PER_SECOND = 25

/** Why no certificate was made: the caller ends the handshake. */
export class LeafRefusedError extends Error {
  override readonly name = 'LeafRefusedError'
  readonly reason: 'not_intercepted' | 'too_many_certificates'

  constructor(reason: LeafRefusedError['reason'], message: string) {
    super(message)
    this.reason = reason
  }
}

/** What is served to a host's clients, made when it is first asked for. */
export interface Leaves<T> {
  /** @throws LeafRefusedError when too many were made within a second; whatever making one throws. */
  get(host: string): Promise<T>
}

interface Leaf<T> {
  readonly made: Instant
  readonly value: Promise<T>
}

/** Keeps the leaves that were used last. A second call for a host waits for what the first one makes. */
export function createLeaves<T>(
  clock: Pick<Clock, 'now'>,
  make: (host: string, wallMs: number) => Promise<T>,
): Leaves<T> {
  const leaves = new Map<string, Leaf<T>>()
  const mayMake = limitRate(MOST_PER_SECOND, clock.now().monotonicMs)

  return {
    get: async (host) => {
      const now = clock.now()
      const leaf = leaves.get(host)
      const state = leaf ? leafState(leaf.made, now) : 'unusable'
      // A leaf that is due is served on while others use up what may be made.
      if (leaf && (state === 'fresh' || (state === 'renew' && !mayMake(now.monotonicMs)))) {
        keep(host, leaf)
        return leaf.value
      }
      if (state !== 'renew' && !mayMake(now.monotonicMs))
        throw new LeafRefusedError('too_many_certificates', `more than ${MOST_PER_SECOND} certificates within a second`)
      return begin(host, now)
    },
  }

  function begin(host: string, made: Instant): Promise<T> {
    const leaf = { made, value: make(host, made.wallMs) }
    keep(host, leaf)
    leaf.value.catch(() => {
      if (leaves.get(host) === leaf) leaves.delete(host)
    })
    return leaf.value
  }

  /** A Map keeps its order of insertion: the first one was used longest ago. */
  function keep(host: string, leaf: Leaf<T>): void {
    leaves.delete(host)
    leaves.set(host, leaf)
    const [oldest] = leaves.keys()
    if (leaves.size > MOST_LEAVES && oldest !== undefined) leaves.delete(oldest)
  }
}

/** A token bucket that holds what one second gives. */
function limitRate(perSecond: number, startMs: number): (monotonicMs: number) => boolean {
  let left = perSecond
  let filledMs = startMs
  return (monotonicMs) => {
    left = Math.min(perSecond, left + ((monotonicMs - filledMs) * perSecond) / 1000)
    filledMs = monotonicMs
    if (left < 1) return false
    left -= 1
    return true
  }
}
