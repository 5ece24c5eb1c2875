import type { EgressProxy, MountedObject, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  CONTROL_PORT,
  EGRESS_CREDENTIALS_FILE,
  VARIABLES,
  directDestination,
  egressProxy,
  formatEgressProxy,
  objectionToOwnListener,
  secretText,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from '../annotations/annotations.ts'
import { mountedVolume } from '../annotations/mounted-volume.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
import type { Steering } from '../annotations/steering.ts'
import { directHosts } from '../application/no-proxy.ts'
import type { SidecarParts } from './credentials.ts'

/** `name/key` of a Secret of the pod's namespace that holds `user:password`. */
export const egressSecret = secretText('egress', EGRESS_CREDENTIALS_FILE)

/** The egress proxy of pods that do not name one; both texts were checked at start. */
export interface EgressDefaults {
  readonly egressProxy: string | null
  /** As `name/key`; for that proxy alone. */
  readonly egressProxySecret: string | null
}

/** @returns ports of loopback that the sidecar listens on. */
export const ownPorts = (values: AnnotationValues, steering: Steering | undefined): readonly number[] => [
  values['proxy-port'],
  values['admin-port'],
  CONTROL_PORT,
  ...(steering?.ports ?? []),
]

/**
 * What the sidecar needs to leave the pod by a proxy, as far as annotations and chart say it; `planChain` has the rest.
 * @returns undefined where it leaves directly.
 */
export function planEgress(
  values: AnnotationValues,
  defaults: EgressDefaults,
  steering: Steering | undefined,
  report: Report,
): SidecarParts | undefined {
  const own = values['egress-proxy']
  const isChained = values['env-policy'] === 'chain'
  if (own && isChained) rejectChain(report)
  const proxy = own ?? (isChained ? undefined : proxyOf(defaults))
  if (!proxy && !isChained) return undefined
  rejectUnreadable(values['no-proxy'], report)
  const secret = values['egress-proxy-secret'] ?? (own || isChained ? undefined : secretOf(defaults))
  const credentials = secret ? planCredentials(secret) : NOTHING
  if (!proxy) return credentials
  rejectOwnListener(proxy, values, steering, report)
  // Variables of applications are unknown in the sidecar.
  const direct = directOfSidecar(values['no-proxy']).filter((entry) => !entry.includes('$('))
  return {
    ...credentials,
    env: [
      { name: VARIABLES.egressProxy, value: formatEgressProxy(proxy) },
      { name: VARIABLES.egressNoProxy, value: direct.join(',') },
      ...credentials.env,
    ],
  }
}

/** The value of the chart that the default comes from. */
const OF_CHART = 'injection.egressProxy'

const NOTHING: SidecarParts = { env: [], volumes: [], mounts: [] }

function planCredentials(secret: MountedObject): SidecarParts {
  const { volume, mount } = mountedVolume(secret)
  const value = `${mount.mountPath}/${EGRESS_CREDENTIALS_FILE}`
  return { env: [{ name: VARIABLES.egressCredentialsFile, value }], volumes: [volume], mounts: [mount] }
}

function rejectOwnListener(
  proxy: EgressProxy,
  values: AnnotationValues,
  steering: Steering | undefined,
  report: Report,
): void {
  const allowed = objectionToOwnListener(proxy, ownPorts(values, steering))
  const where = values['egress-proxy'] ? `${PREFIX}egress-proxy` : OF_CHART
  if (allowed !== undefined) report({ where, value: formatEgressProxy(proxy), allowed })
}

function rejectChain(report: Report): void {
  report({
    where: `${PREFIX}env-policy`,
    value: 'chain',
    allowed: `refuse, keep or override next to ${PREFIX}egress-proxy, which already says by which proxy the sidecar leaves`,
  })
}

/** @returns what the sidecar calls without a proxy. A partner in the cluster is called directly, so the defaults that cover one stay. */
export function directOfSidecar(extra: readonly string[]): readonly string[] {
  return directHosts(extra, { coverage: () => undefined, intercepts: false }).entries
}

function rejectUnreadable(extra: readonly string[], report: Report): void {
  for (const entry of extra) {
    const parsed = entry.includes('$(') ? undefined : directDestination(entry)
    if (parsed?.ok === false)
      report({
        where: `${PREFIX}no-proxy`,
        value: entry,
        allowed: `${parsed.allowed}, because the sidecar leaves by a proxy and reads it`,
      })
  }
}

function proxyOf(defaults: EgressDefaults): EgressProxy | undefined {
  const parsed = defaults.egressProxy === null ? undefined : egressProxy(defaults.egressProxy)
  return parsed?.ok === true ? parsed.value : undefined
}

function secretOf({ egressProxySecret }: EgressDefaults): MountedObject | undefined {
  const parsed = egressProxySecret === null ? undefined : egressSecret(egressProxySecret)
  return parsed?.ok === true ? parsed.value : undefined
}
