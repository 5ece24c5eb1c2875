import { VARIABLES } from '../contract.ts'
import type { Report } from '../contract.ts'
import type { Naming } from '../runtime/index.ts'
import { STANDALONE_SETTINGS } from './settings.ts'

/** Values as they were given, by variable. */
export type Given = Readonly<Record<string, string | undefined>>

const { upstreamHost, allowedHosts, metricsListenAddr, ...others } = STANDALONE_SETTINGS
/** Either of these means standalone mode. */
const UPSTREAMS = [upstreamHost.variable, allowedHosts.variable]
const STANDALONE_ONLY = [metricsListenAddr, ...Object.values(others)].map(({ variable }) => variable)

/** Variables of the injected sidecar, and what stands for them in standalone mode. */
const SIDECAR_ONLY: Readonly<Record<string, string>> = {
  [VARIABLES.routes]: `nothing beside ${UPSTREAMS.join(' or ')}: routes are for requests through HTTP_PROXY`,
  [VARIABLES.unmatched]: `nothing beside ${UPSTREAMS.join(' or ')}: hosts that are not listed are always refused`,
  [VARIABLES.adminListenAddr]: `nothing beside ${UPSTREAMS.join(' or ')}: set ${metricsListenAddr.variable} instead`,
  [VARIABLES.credentials]: `nothing beside ${UPSTREAMS.join(' or ')}: its tokens come from AWS`,
  ...Object.fromEntries(
    [VARIABLES.trustDir, VARIABLES.authorityDir, VARIABLES.extraCaFile].map((variable) => [
      variable,
      `nothing beside ${UPSTREAMS.join(' or ')}: only routes with https: intercept need it`,
    ]),
  ),
  ...Object.fromEntries(
    [VARIABLES.tokenFiles, VARIABLES.tokensDir].map((variable) => [
      variable,
      `nothing beside ${UPSTREAMS.join(' or ')}: token files are for applications of the same pod`,
    ]),
  ),
  [VARIABLES.steeredPorts]: `nothing beside ${UPSTREAMS.join(' or ')}: no name leads here`,
}

export const isGiven = (given: Given, variable: string): boolean => (given[variable] ?? '') !== ''

export const isStandalone = (given: Given): boolean => UPSTREAMS.some((variable) => isGiven(given, variable))

/** Reports every variable that the present mode would ignore: whoever set it counts on it. */
export function rejectOtherMode(given: Given, nameOf: Naming, report: Report): void {
  const foreign = isStandalone(given)
    ? Object.entries(SIDECAR_ONLY)
    : STANDALONE_ONLY.map((variable) => [variable, MISSING_UPSTREAM] as const)
  for (const [variable, allowed] of foreign) {
    const value = given[variable] ?? ''
    if (value !== '') report({ where: nameOf(variable), value, allowed })
  }
}

const MISSING_UPSTREAM =
  `${upstreamHost.variable} (the one upstream) or ${allowedHosts.variable} (the hosts that a request may name) beside it: ` +
  'a token goes only where the configuration says'
