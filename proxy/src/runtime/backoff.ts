/** Pauses between attempts that keep failing. */
export interface Backoff {
  readonly firstMs: number
  readonly longestMs: number
}

/**
 * Exponential backoff with equal jitter: the pause doubles with every failure, and chance takes up to half of it, so that processes that
 * failed together do not come back together.
 * @param failures in a row, at least 1.
 * @param random in [0, 1).
 */
export function backoffMs({ firstMs, longestMs }: Backoff, failures: number, random: number): number {
  return Math.min(firstMs * 2 ** (failures - 1), longestMs) * (1 - random / 2)
}
