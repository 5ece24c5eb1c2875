import type { EgressProxy, Report } from '../contract.ts'
import type { ListenAddress, Naming, Settings } from '../runtime/index.ts'
import type { Given } from './mode.ts'
import { STANDALONE_SETTINGS as ROWS } from './settings.ts'

/** The settings that standalone mode is made of, those it shares with the sidecar included. */
export interface StandaloneValues extends Settings<typeof ROWS> {
  readonly listenAddr: ListenAddress
  readonly tokenRefreshSkewSeconds: number | undefined
  readonly upstreamCaFile: string | undefined
  readonly egressProxy: EgressProxy | undefined
}

/** Says what is wrong with a combination, as the end of "expected …"; undefined when nothing is. */
type Check = (values: Partial<StandaloneValues>) => string | undefined

const EXTRA: Check = ({ upstreamHost, allowedHosts = [] }) =>
  upstreamHost !== undefined && allowedHosts.length > 0
    ? `nothing beside ${ROWS.upstreamHost.variable}: no other host is called`
    : undefined

const ONCE: Check = ({ allowedHosts = [] }) => {
  const hosts = allowedHosts.map(hostOf)
  return new Set(hosts).size < hosts.length ? 'each host once, with one port' : undefined
}

/** SECURITY: whoever sees a token in clear text can use it. */
const PLAINTEXT: Check = ({ upstreamScheme, allowPlaintextUpstream }) =>
  upstreamScheme === 'http' && allowPlaintextUpstream === false
    ? `https, or ${ROWS.allowPlaintextUpstream.variable}=true to send tokens in clear text`
    : undefined

/** Whoever names trust anchors counts on a partner that is verified. */
const ANCHORS: Check = ({ upstreamScheme, upstreamCaFile, egressProxy }) =>
  upstreamScheme === 'http' && upstreamCaFile !== undefined && egressProxy?.scheme !== 'https'
    ? `nothing beside ${ROWS.upstreamScheme.variable}=http, which verifies no certificate`
    : undefined

const CERT: Check = ({ tlsCert, tlsKey }) =>
  tlsKey !== undefined && tlsCert === undefined ? `a file, because ${ROWS.tlsKey.variable} is set` : undefined

const KEY: Check = ({ tlsCert, tlsKey }) =>
  tlsCert !== undefined && tlsKey === undefined ? `a file, because ${ROWS.tlsCert.variable} is set` : undefined

const SKEW: Check = ({ tokenRefreshSkewSeconds: skew, tokenDurationSeconds: duration }) =>
  skew !== undefined && duration !== undefined && skew >= duration
    ? `less than ${ROWS.tokenDurationSeconds.variable}`
    : undefined

const CHECKS: readonly (readonly [variable: string, check: Check])[] = [
  [ROWS.allowedHosts.variable, EXTRA],
  [ROWS.allowedHosts.variable, ONCE],
  [ROWS.upstreamScheme.variable, PLAINTEXT],
  ['UPSTREAM_CA_FILE', ANCHORS],
  [ROWS.tlsCert.variable, CERT],
  [ROWS.tlsKey.variable, KEY],
  ['TOKEN_REFRESH_SKEW', SKEW],
]

/** Reports combinations that cannot be meant. @param values undefined where the value itself was reported. */
export function checkStandalone(values: Partial<StandaloneValues>, given: Given, nameOf: Naming, report: Report): void {
  for (const [variable, check] of CHECKS) {
    const allowed = check(values)
    if (allowed !== undefined) report({ where: nameOf(variable), value: given[variable] ?? '', allowed })
  }
}

/** @returns the host of a pattern that was parsed before, in its one spelling. */
function hostOf(text: string): string {
  return text.toLowerCase().replace(/\.?(?::\d+)?$/, '')
}
