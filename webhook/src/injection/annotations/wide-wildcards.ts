import type { Route } from '@aws-outbound-jwt-injector/proxy/contract'
import { readHostPattern } from '@aws-outbound-jwt-injector/proxy/contract'
import { parse } from 'tldts'

/**
 * @returns a warning for each wildcard below which anybody may register a name, such as `*.co.uk` or `*.github.io`, where all names get a
 * token with the same audience: that of one is good at every other. Without an audience each gets one of its own.
 * Source: publicsuffix.org, both of its lists.
 */
export function wideWildcardWarnings({ name, hosts, audience }: Route): readonly string[] {
  if (audience.length === 0) return []
  return hosts
    .filter(isOpenToStrangers)
    .map(
      (host) =>
        `${name}: anybody may own a name under ${host}, and each gets a token for ${audience.join(' ')}. Write exact hosts.`,
    )
}

function isOpenToStrangers(pattern: string): boolean {
  const { host, wildcard } = readHostPattern(pattern)
  if (!wildcard) return false
  const { publicSuffix, isIcann, isPrivate } = parse(host, { allowPrivateDomains: true })
  return publicSuffix === host && (isIcann === true || isPrivate === true)
}
