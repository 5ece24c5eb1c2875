import { isUsualRegion } from '../contract.ts'
import { FAILURES, STS_ADDRESS } from '../tokens/failures.ts'
import type { FailureReason } from '../tokens/failures.ts'
import { REGION_VARIABLES, credentialSource, regionOf } from '../tokens/sources/aws/credentials.ts'
import type { Environment } from '../tokens/sources/aws/credentials.ts'
import type { Session } from '../tokens/sources/aws/mint.ts'
import type { Outcome } from './outcome.ts'
import { failed, skipped } from './outcome.ts'
import type { Finding } from './report.ts'

/** @returns the region the SDK will use, and the variable it is from. */
export function regionFinding(environment: Environment): Finding {
  const region = regionOf(environment)
  if (region) {
    const found = `${region.name}, from ${region.variable}`
    if (isUsualRegion(region.name)) return { id: 'region', verdict: 'pass', found }
    const { hint: fix } = FAILURES.wrong_region
    return { id: 'region', verdict: 'warn', found: `${found}; no region of AWS is named like that so far`, fix }
  }
  const { hint } = FAILURES.region_missing
  return {
    id: 'region',
    verdict: 'fail',
    found: `Neither ${REGION_VARIABLES.join(' nor ')} is set.`,
    fix: hint,
    reason: 'region_missing',
  }
}

/** A session this short holds no token of the default duration. */
const SHORT_SESSION_MINUTES = 16

/**
 * @param session that the credentials belong to, or why there are none.
 * @param nowMs of the Unix epoch.
 */
export function credentialsFinding(environment: Environment, session: Outcome<Session>, nowMs: number): Finding {
  if (!session.ok) return failed('credentials', session.failure)
  const source = credentialSource(environment) ?? 'instance metadata'
  const { endsWallMs } = session.value
  if (endsWallMs === undefined)
    return { id: 'credentials', verdict: 'pass', found: `${source}; the end of the session is not known` }
  const minutes = Math.floor((endsWallMs - nowMs) / 60_000)
  const found = `${source}; the session ends in ${minutes} min`
  if (minutes >= SHORT_SESSION_MINUTES) return { id: 'credentials', verdict: 'pass', found }
  return {
    id: 'credentials',
    verdict: 'warn',
    found,
    fix: FAILURES.session_too_short.hint,
    reason: 'session_too_short',
  }
}

/** Failures after which it is not known whether STS answers, or known that it does not. */
const NOT_STS: readonly FailureReason[] = [
  'sts_unreachable',
  'sts_timeout',
  'sts_unavailable',
  'unusable_answer',
  'throttled',
]
const NOT_ASKED: readonly FailureReason[] = [
  'no_credentials',
  'region_missing',
  'token_file_unreadable',
  'credentials_unreachable',
  'pod_identity_refused',
]

/** @returns where the SDK calls STS: as the environment says, else the endpoint of the region. */
export function stsEndpoint(environment: Environment): string {
  const named = [environment['AWS_ENDPOINT_URL_STS'], environment['AWS_ENDPOINT_URL']].find(Boolean)
  if (named !== undefined) return named
  const region = regionOf(environment)?.name ?? '<region>'
  return `https://sts.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/** @returns a finding whose fix names the endpoint of this pod instead of that of a region in general. */
export function withEndpoint(finding: Finding, endpoint: string): Finding {
  if (finding.fix?.includes(STS_ADDRESS) !== true) return finding
  const address = /^https:\/\/[^/:]+$/.test(endpoint) ? `${endpoint.slice('https://'.length)}:443` : endpoint
  return { ...finding, fix: finding.fix.replaceAll(STS_ADDRESS, address) }
}

/** Refusals of which a wrong clock is a cause. */
const OF_THE_CLOCK: readonly (string | undefined)[] = [
  'identity_token_refused',
  'identity_token_expired',
  'credentials_refused',
] satisfies FailureReason[]

/** @returns a finding that sends people to the clock first, where that is wrong and may be all that is. */
export function withClock(finding: Finding, clock: Finding): Finding {
  if (clock.fix === undefined || !OF_THE_CLOCK.includes(finding.reason)) return finding
  return { ...finding, fix: `This machine's clock is ${clock.found} ${clock.fix}` }
}

/**
 * @param calls to STS, of which one answer is enough.
 * @param endpoint where they went.
 */
export function stsFinding(calls: readonly Outcome<unknown>[], endpoint: string): Finding {
  const failures = calls.flatMap((call) => (call.ok ? [] : [call.failure]))
  const answered =
    calls.some(({ ok }) => ok) || failures.some(({ reason }) => ![...NOT_STS, ...NOT_ASKED].includes(reason))
  if (answered) return { id: 'sts', verdict: 'pass', found: `STS answers at ${endpoint}.` }
  const silent = failures.find(({ reason }) => NOT_STS.includes(reason))
  if (silent) {
    const finding = failed('sts', silent)
    return { ...finding, found: `${finding.found} The endpoint is ${endpoint}.` }
  }
  return skipped('sts', 'STS was not asked: there are no credentials to ask with.')
}

/** @param identity the ARN that STS gave: `arn:aws:sts::<account>:assumed-role/<role>/<session>`. */
export function roleFinding(identity: Outcome<string>, expectedRoleArn: string | undefined): Finding {
  if (!identity.ok) return skipped('role', `STS did not say: ${identity.failure.row.meaning}`)
  const arn = identity.value
  if (expectedRoleArn === undefined || accountAndRole(arn) === accountAndRole(expectedRoleArn))
    return { id: 'role', verdict: 'pass', found: arn }
  return {
    id: 'role',
    verdict: 'fail',
    found: `The credentials are of ${arn}, the pod expects ${expectedRoleArn}.`,
    fix: FAILURES.subject_mismatch.hint,
    reason: 'subject_mismatch',
  }
}

/** A session's ARN has the name of the role without its path. */
function accountAndRole(arn: string): string {
  const [, , , , account = '', resource = ''] = arn.split(':')
  const parts = resource.split('/')
  return `${account} ${String(parts[0] === 'assumed-role' ? parts[1] : parts.at(-1))}`
}

/** @param tokens that were asked for. */
export function federationFinding(tokens: readonly Outcome<unknown>[]): Finding {
  const failures = tokens.flatMap((token) => (token.ok ? [] : [token.failure]))
  const disabled = failures.find(({ reason }) => reason === 'federation_disabled')
  if (disabled) return failed('federation', disabled)
  // STS looks at the size of the claims after this.
  if (tokens.some(({ ok }) => ok) || failures.some(({ reason }) => reason === 'payload_too_large'))
    return { id: 'federation', verdict: 'pass', found: 'Enabled.' }
  return skipped('federation', 'Not known: STS minted no token.')
}

/** A partner tolerates about a minute; beyond five STS refuses signatures, and the SDK has to correct the clock. */
const TOLERABLE_SKEW_SECONDS = 60
const LARGEST_SKEW_SECONDS = 300

/** @param skewMs STS's clock minus this machine's; undefined when nothing says. */
export function clockFinding(skewMs: number | undefined): Finding {
  if (skewMs === undefined)
    return skipped('clock', 'Not known: STS did not answer, and no token says when it was issued.')
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  // STS writes whole seconds.
  const found = seconds <= 1 ? 'As that of STS.' : `${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} that of STS.`
  if (seconds <= TOLERABLE_SKEW_SECONDS) return { id: 'clock', verdict: 'pass', found }
  const verdict = seconds > LARGEST_SKEW_SECONDS ? 'fail' : 'warn'
  return {
    id: 'clock',
    verdict,
    found,
    fix: "Correct the node's clock: its time synchronisation (chrony, systemd-timesyncd) does not work.",
  }
}
