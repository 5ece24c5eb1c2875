import type { Logger } from '../../runtime/index.ts'

/** Hosts that are called without a token because no rule names them. */
export interface UnruledHosts {
  called(host: string): void
}

/** A crawler must not fill the log. */
const MOST_HOSTS = 32
const HINT = 'A partner? Name it in outbound-jwt.io/hosts, spelt as in the URL.'

/**
 * Tells once of each such host, at most 32 of them: a partner that is misspelt in an annotation answers as it does to strangers.
 * @param partners host patterns of the routes.
 */
export function createUnruledHosts(log: Logger, partners: readonly string[]): UnruledHosts {
  const names = partners.map((pattern) => pattern.replace(/:\d+$/, ''))
  const told = new Set<string>()
  return {
    called: (host) => {
      if (told.has(host) || told.size >= MOST_HOSTS || names.length === 0) return
      told.add(host)
      const meant = names.find((name) => isOneEditAway(host, name))
      if (meant === undefined) log.info('no rule for this host: called without a token', { host })
      else log.warn('no rule for this host: called without a token', { host, partner: meant, hint: HINT })
    },
  }
}

/** Whether one character more, less or other makes one name of the other. */
function isOneEditAway(a: string, b: string): boolean {
  let start = 0
  while (start < a.length && a[start] === b[start]) start += 1
  const rest = [a.slice(start), b.slice(start)] as const
  return rest.some((text, index) => {
    const other = rest[1 - index] as string
    return text.slice(1) === other || text.slice(1) === other.slice(1)
  })
}
