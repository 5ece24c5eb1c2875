import { SUBJECT, mintCertificate } from '../../../webhook/src/certificates/certificate.ts'
import type { Keeper, KeeperDeps } from '../../../webhook/src/certificates/keeper.ts'
import { createKeeper } from '../../../webhook/src/certificates/keeper.ts'
import type { FakeApi, Transport } from './api.ts'
import { resourcesOf } from './api.ts'

/** A clock that tests move; both kinds of time at once. */
export interface FakeClock {
  ms: number
}

/** What a keeper told its observer, in order. */
export interface Observed {
  readonly events: string[]
}

interface TestTransport {
  readonly transport?: Transport
  /** The wall clock of the API server. */
  readonly now?: () => number
}

/** Creates a keeper on a fake API server and a clock of the test's. */
export function createTestKeeper(
  api: FakeApi,
  clock: FakeClock,
  { transport, now, ...changes }: Partial<KeeperDeps> & TestTransport = {},
): Keeper & Observed {
  const events: string[] = []
  const keeper = createKeeper({
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
  return { ...keeper, events }
}
