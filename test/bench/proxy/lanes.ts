import type { Scheme } from './targets.ts'

/** A kind of traffic. */
export interface Lane {
  readonly name: string
  /** What the upstream speaks; the client side is always http. */
  readonly scheme: Scheme
  readonly body?: string
  /** Fewer than the others. */
  readonly connections?: number
}

export const LANES: readonly Lane[] = [
  { name: 'https', scheme: 'https' },
  { name: 'http', scheme: 'http' },
  { name: 'https-post-10k', scheme: 'https', body: 'y'.repeat(10_000) },
]
