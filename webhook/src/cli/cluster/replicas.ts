import { METRICS } from '../../metrics.ts'
import type { Finding } from '../report.ts'
import type { Answer } from './answer.ts'
import { unread } from './answer.ts'
import { samplesOf } from './samples.ts'

/** A pod of the webhook. */
export interface Replica {
  readonly name: string
  /** Its scrape. */
  readonly metrics: Answer<string>
}

/** @returns what the replicas say of themselves. @param place their namespace. */
export const replicaFindings = (place: string, replicas: readonly Replica[]): readonly Finding[] =>
  replicas.flatMap(({ name, metrics }) =>
    metrics.ok
      ? [...certificateFindings(place, name, metrics.value), ...policyFindings(place, name, metrics.value)]
      : [{ fix: `kubectl -n ${place} logs ${name}`, ...unread('certificate', `metrics of ${name}`, metrics) }],
  )

const DAY = 86_400
/** Mode self renews 30 days before the end, and retries all the time. */
const SOON_SECONDS = 7 * DAY

/** What the replica itself serves; that the API server accepts it is shown by the sample pod. */
function certificateFindings(place: string, name: string, metrics: string): readonly Finding[] {
  const group = 'certificate'
  const page = 'certificates.md'
  const seconds = valueOf(metrics, METRICS.certificateExpiry.name) ?? 0
  const trusted = valueOf(metrics, METRICS.certificateTrusted.name)
  const fix = `kubectl -n ${place} logs ${name} | grep certificate`
  return [
    seconds > SOON_SECONDS
      ? { group, verdict: 'pass', found: `${name} serves one that expires in ${Math.floor(seconds / DAY)} days` }
      : seconds > 0
        ? { group, verdict: 'warn', found: `that of ${name} expires in ${Math.floor(seconds / 3600)} hours`, fix, page }
        : { group, verdict: 'fail', found: `${name} has none, or one that has expired`, fix, page },
    ...(trusted === 0
      ? [{ group, verdict: 'fail' as const, found: `that of ${name} is not in caBundle of every entry`, fix, page }]
      : []),
  ]
}

const valueOf = (metrics: string, metric: string): number | undefined => samplesOf(metrics, [metric])[0]?.value

/** Without a policy there is no such metric. */
function policyFindings(place: string, name: string, metrics: string): readonly Finding[] {
  const isCurrent = valueOf(metrics, METRICS.policyCurrent.name)
  if (isCurrent === undefined) return []
  const group = 'policy'
  const rules = valueOf(metrics, METRICS.policyRules.name) ?? 0
  if (isCurrent === 1)
    return [{ group, verdict: 'pass', found: `${name} goes by its ${rules} ${rules === 1 ? 'rule' : 'rules'}` }]
  return [
    {
      group,
      verdict: 'fail',
      found: `${name} cannot use the policy as it is now: it goes by the last good one until it restarts, and then ends`,
      fix: `kubectl -n ${place} logs ${name} | grep 'policy cannot be used' names the field.`,
      page: 'policy.md#changes',
    },
  ]
}
