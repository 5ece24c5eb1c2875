import { SUBJECT, mintCertificate } from '../../../webhook/src/certificates/certificate.ts'
import type { Reconciler, ReconcilerDeps } from '../../../webhook/src/certificates/reconciler.ts'
import { createReconciler } from '../../../webhook/src/certificates/reconciler.ts'
import type { FakeApi, Transport } from './api.ts'
import { resourcesOf } from './api.ts'

/** A clock that tests move; both kinds of time at once. */
export interface FakeClock {
  ms: number
}

/** What a reconciler told its observer, in order. */
export interface Observed {
  readonly events: string[]
}

interface TestTransport {
  readonly transport?: Transport
  /** The wall clock of the API server. */
  readonly now?: () => number
}

/** Creates a reconciler on a fake API server and a clock of the test's. */
export function createTestReconciler(
  api: FakeApi,
  clock: FakeClock,
  { transport, now, ...changes }: Partial<ReconcilerDeps> & TestTransport = {},
): Reconciler & Observed {
  const events: string[] = []
  const reconciler = createReconciler({
    ...resourcesOf(api, transport, now),
    mint: mintCertificate,
    clock: { now: () => clock.ms, elapsed: () => clock.ms },
    hosts: ['127.0.0.1'],
    subject: SUBJECT,
    lifetimes: { lifetimeMs: 90 * 24 * 60 * 60 * 1000, publicationDelayMs: 300_000 },
    jitter: 0,
    observer: {
      minted: () => events.push('minted'),
      broken: (entries) => events.push(`broken ${entries.join(' ')}`),
      published: (anchors) => events.push(`published ${anchors}`),
      untrusted: () => events.push('untrusted'),
    },
    ...changes,
  })
  return { ...reconciler, events }
}
