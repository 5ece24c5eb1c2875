import {
  VARIABLES,
  absolutePath,
  directDestinations,
  egressProxy,
  formatEgressProxy,
  objectionToOwnListener,
  optional,
  withoutSecrets,
} from '../contract.ts'
import type { EgressProxy, Report } from '../contract.ts'
import { setting } from '../runtime/index.ts'
import type { Naming, Setting } from '../runtime/index.ts'

const proxy: Setting<EgressProxy | undefined> = {
  variable: VARIABLES.egressProxy,
  fallback: '',
  // SECURITY: a report must not repeat a password.
  parse: (url, where, report) => {
    const parsed = optional(egressProxy)(url)
    if (parsed.ok) return parsed.value
    report({ where, value: withoutSecrets(url), allowed: parsed.allowed })
    return undefined
  },
  doc: 'URL of a forward proxy that everything leaves by: calls to partners and to hosts without a rule, tunnels, STS, token endpoints, documents of issuers. `http://host:port` or `https://host:port`.',
}

/** Where a firewall lets nothing out but a proxy; rows of the table of settings. */
export const EGRESS_SETTINGS = {
  egressProxy: proxy,
  egressNoProxy: setting(
    VARIABLES.egressNoProxy,
    '',
    directDestinations,
    'Hosts that are called without EGRESS_PROXY, comma separated: `host` with all below it, `.suffix`, `*.suffix`, an IP address, a CIDR, with an optional `:port`, or `*`. Loopback, credential addresses and names without a dot always are.',
  ),
  egressCredentialsFile: setting(
    VARIABLES.egressCredentialsFile,
    '',
    optional(absolutePath),
    'File with `user:password` for EGRESS_PROXY, sent as Basic authentication. It is read again when it changes.',
  ),
} as const

/** Reports what only an egress proxy would obey: whoever set it counts on one. */
export function rejectUnusedEgress(
  given: Readonly<Record<string, string | undefined>>,
  nameOf: Naming,
  report: Report,
): void {
  if ((given[VARIABLES.egressProxy] ?? '') !== '') return
  for (const variable of [VARIABLES.egressNoProxy, VARIABLES.egressCredentialsFile]) {
    const value = given[variable] ?? ''
    if (value !== '') report({ where: nameOf(variable), value, allowed: `nothing without ${VARIABLES.egressProxy}` })
  }
}

/** Reports an egress proxy that is this process. @param ports that it listens on. */
export function rejectOwnListener(
  egress: EgressProxy | undefined,
  ports: readonly (number | undefined)[],
  where: string,
  report: Report,
): void {
  if (!egress) return
  const allowed = objectionToOwnListener(egress, ports)
  if (allowed !== undefined) report({ where, value: formatEgressProxy(egress), allowed })
}
