import type { HostPattern } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Warn } from '../outcome.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf } from '../pod/pod.ts'
import { endsWithAny } from './bypass.ts'

/** @returns the partner whose https:// URL a text holds, as the URL writes it. */
export type HttpsUrls = (text: string) => string | undefined

const URLS = /https:\/\/(?:[^\s/@]*@)?([a-z0-9.-]+)(?::(\d{1,5}))?/gi
const DEFAULT_PORT = 443
/** RFC 1035 §2.3.4, with the trailing dot. */
const LONGEST_NAME = 254

/** @param partners those whose https:// URLs get no token, and are refused where the sidecar sees them. */
export function createHttpsUrls(partners: readonly HostPattern[]): HttpsUrls {
  const exact = new Set(partners.filter(({ wildcard }) => !wildcard).map(({ host, port }) => `${host}:${port}`))
  const suffixes = partners.filter(({ wildcard }) => wildcard).map(({ host, port }) => `.${host}:${port}`)
  // SECURITY: not domain by domain: a hostile pod has ten thousand names, of a hundred labels each.
  const isBelow = endsWithAny(suffixes)
  const isPartner = (host: string, port: number): boolean => {
    const key = `${host}:${port}`
    return exact.has(key) || (suffixes.length > 0 && isBelow(key))
  }
  return (text) => {
    if (partners.length === 0) return undefined
    for (const [, name = '', port] of text.matchAll(URLS)) {
      if (name.length > LONGEST_NAME) continue
      const host = name.toLowerCase().replace(/\.$/, '')
      if (isPartner(host, port === undefined ? DEFAULT_PORT : Number(port))) return host
    }
    return undefined
  }
}

/**
 * Warns of the first variable with such a URL: the call would pass the sidecar, and the partner would answer 401.
 * SECURITY: names the variable and the partner, never the value, which may hold a password.
 */
export function warnOfHttpsUrls(
  container: Container,
  variables: readonly Variable[],
  httpsUrls: HttpsUrls,
  warn: Warn,
): void {
  for (const { name, value } of variables) {
    const partner = value === undefined ? undefined : httpsUrls(value)
    if (partner === undefined) continue
    warn(
      `${placeOf(container)}.env[${name}] has an https:// URL of ${partner}, which gets no token: set https to intercept, or write http://`,
    )
    return
  }
}
