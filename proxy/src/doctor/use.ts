import type { Route } from '../contract.ts'
import type { CallCounts, CallResult, RouteCalls } from '../http/telemetry/route-calls.ts'
import type { Clock } from '../tokens/time.ts'
import type { Finding } from './report.ts'

/** What the application has called since the start. */
export interface UseView {
  readonly calls: Pick<RouteCalls, 'counts'>
  /** Monotonic milliseconds of the clock below. */
  readonly startedMs: number
  readonly clock: Clock
}

/** A younger sidecar need not have been called. */
const PATIENCE_MS = 10 * 60_000

/** @returns for each route whether it is called, and by calls that get its token. */
export function useFindings({ calls, startedMs, clock }: UseView, routes: readonly Route[]): readonly Finding[] {
  const counts = calls.counts()
  const ageMs = clock.now().monotonicMs - startedMs
  return routes.flatMap((route) => {
    const count = counts.get(route.name)
    return count ? [useFinding(route, count, ageMs)] : []
  })
}

function useFinding(route: Route, count: CallCounts, ageMs: number): Finding {
  const about = { id: 'use', subject: route.name } as const
  const since = `since the sidecar started ${span(ageMs)} ago`
  const missed = MISSES.filter(({ result }) => count[result] > 0)
  // Calls that failed while others got through are over; the other ways to miss a token last as long as the application is as it is.
  const lasting = missed.filter(({ result }) => result !== 'failed' || count.request === 0)
  const found = [
    `${amount(count.request, 'request')} with a token`,
    ...(count.unaccepted > 0 ? [`${count.unaccepted} of them answered with 401 or 403`] : []),
    ...missed.map(({ result, what }) => `${amount(count[result], 'call')} ${what}`),
  ].join(', ')
  if (lasting.length > 0) {
    const verdict = count.request === 0 && lasting.some(({ fails }) => fails) ? 'fail' : 'warn'
    return { ...about, verdict, found: `${found}, ${since}.`, fix: lasting.map(({ fix }) => fix(route)).join(' ') }
  }
  // Some users may not do what they ask for; a token that is not accepted fails for all of them.
  if (count.unaccepted > count.request / 2)
    return {
      ...about,
      verdict: count.unaccepted === count.request ? 'fail' : 'warn',
      found: `${found}, ${since}.`,
      fix: UNACCEPTED,
    }
  if (count.request > 0) return { ...about, verdict: 'pass', found: `${found}, ${since}.` }
  return {
    ...about,
    verdict: ageMs < PATIENCE_MS ? 'skip' : 'warn',
    found: `Not called ${since}.`,
    fix: neverCalled(route),
  }
}

interface Miss {
  readonly result: Exclude<CallResult, 'request'>
  readonly what: string
  /** Whether the application gets an error, and not an answer without a token. */
  readonly fails: boolean
  readonly fix: (route: Route) => string
}

const MISSES: readonly Miss[] = [
  {
    result: 'failed',
    what: 'that never reached the partner',
    fails: true,
    fix: () =>
      'The check `token` above says why there is no token; the lines `request failed` in the log of this container name every cause.',
  },
  {
    result: 'refused',
    what: 'refused because the URL is https://',
    fails: true,
    fix: ({ hosts }) => `Call http://${hosts[0] ?? 'host'}/, or set outbound-jwt.io/https to intercept.`,
  },
  {
    result: 'tunnel',
    what: 'without a token in a tunnel (https: tunnel)',
    fails: false,
    fix: ({ hosts }) => `For a token call http://${hosts[0] ?? 'host'}/, or set outbound-jwt.io/https to intercept.`,
  },
  {
    result: 'untrusted',
    what: 'ended by a client that does not trust the sidecar',
    fails: true,
    fix: () => 'What the client needs is in docs/https.md; look at the log of this container.',
  },
]

const UNACCEPTED =
  'The partner does not accept the token, or its owner may not do this: compare `registration` above with what the partner has registered; `challenge` in the log line `the partner refused the token` is its own reason.'

const neverCalled = ({ https }: Route): string =>
  https === 'intercept'
    ? 'If the application does call it, its client ignores HTTP_PROXY and HTTPS_PROXY: docs/clients.md has what it needs, or set outbound-jwt.io/steering to hosts.'
    : 'If the application does call it, it calls an https:// URL, which passes the sidecar without a token (set outbound-jwt.io/https to intercept, or call http://), or its client ignores HTTP_PROXY (docs/clients.md).'

const amount = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

const span = (ms: number): string => (ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`)
