import type { TokenObserver } from '../../../proxy/src/tokens/observer.ts'

/** For tests that do not look at what the engine tells. */
export const unobserved: TokenObserver = {
  looked: () => undefined,
  fetched: () => undefined,
  refreshFailed: () => undefined,
  exchanged: () => undefined,
  rejected: () => undefined,
  replaced: () => undefined,
  dropped: () => undefined,
  session: () => undefined,
}
