import type { Logger, Metrics } from '@aws-outbound-jwt-injector/proxy/runtime'
import { SettingsError, errorCode } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import { describeProblem } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Policy } from './injection/policy/policy.ts'
import { createPolicy } from './injection/policy/policy.ts'
import { parsePolicyRules } from './injection/policy/rules.ts'
import type { WebhookMetrics } from './metrics.ts'

export interface PolicyFileDeps {
  /** Empty for none. */
  readonly path: string
  readonly read: (path: string) => string
  readonly pollMs: number
  readonly log: Logger
  readonly instruments: Pick<Metrics<WebhookMetrics>['instruments'], 'policyRules' | 'policyCurrent'>
}

export interface PolicyFile {
  /** @returns the last good policy. */
  readonly current: () => Policy
  readonly stop: () => void
}

/**
 * Follows the file of a policy, where there is one. SECURITY: one that is broken or gone leaves the last good policy in force; nothing opens.
 * @throws SettingsError when there is no good policy to begin with.
 */
export function startPolicyFile({ path, read, pollMs, log, instruments }: PolicyFileDeps): PolicyFile | undefined {
  if (path === '') {
    // A series that says 0 would be an alert.
    instruments.policyRules.remove({})
    instruments.policyCurrent.remove({})
    return undefined
  }
  const first = load(path, read)
  if ('problems' in first) throw new SettingsError(first.problems)
  let { text, policy } = first
  let reported = ''
  const tell = (isCurrent: boolean): void => {
    instruments.policyRules.with({}).set(policy.rules)
    instruments.policyCurrent.with({}).set(isCurrent ? 1 : 0)
  }
  tell(true)
  log.info('policy in force', { file: path, rules: policy.rules })
  const poll = (): void => {
    const next = load(path, read, { text, policy })
    if ('problems' in next) {
      const problem = next.problems.map(describeProblem).join('; ')
      if (problem !== reported) log.error('policy cannot be used; the last good one stays in force', { problem })
      reported = problem
      tell(false)
      return
    }
    if (next.text !== text) log.info('policy in force', { file: path, rules: next.policy.rules })
    else if (reported !== '') log.info('policy is the last good one again', { file: path })
    ;({ text, policy } = next)
    reported = ''
    tell(true)
  }
  const timer = setInterval(poll, pollMs)
  return { current: () => policy, stop: () => clearInterval(timer) }
}

interface Loaded {
  readonly text: string
  readonly policy: Policy
}

/** @param last is not made again when the file says the same. */
function load(
  path: string,
  read: (path: string) => string,
  last?: Loaded,
): Loaded | { readonly problems: readonly Problem[] } {
  let text: string
  try {
    text = read(path)
  } catch (error) {
    return { problems: [{ where: path, value: errorCode(error) ?? 'an error', allowed: 'a readable file' }] }
  }
  if (text === last?.text) return last
  const problems: Problem[] = []
  const rules = parsePolicyRules(text, path, (problem) => problems.push(problem))
  return rules ? { text, policy: createPolicy(rules) } : { problems: problems.slice(0, MOST_PROBLEMS) }
}

/** Of a broken file, in a log line. */
const MOST_PROBLEMS = 10
