import type { EgressProxy, MountedObject, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  EGRESS_CREDENTIALS_FILE,
  VARIABLES,
  directDestination,
  egressProxy,
  formatEgressProxy,
  secretText,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationValues } from '../annotations/annotations.ts'
import { mountedVolume } from '../annotations/mounted-volume.ts'
import { PREFIX } from '../annotations/raw-annotations.ts'
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

/** What the sidecar needs to leave the pod by a proxy. @returns undefined where it leaves directly. */
export function planEgress(
  values: AnnotationValues,
  defaults: EgressDefaults,
  report: Report,
): SidecarParts | undefined {
  const proxy = values['egress-proxy'] ?? proxyOf(defaults)
  if (proxy === undefined) return undefined
  const secret = values['egress-proxy-secret'] ?? (values['egress-proxy'] ? undefined : secretOf(defaults))
  const mounted = secret && mountedVolume(secret)
  return {
    env: [
      { name: VARIABLES.egressProxy, value: formatEgressProxy(proxy) },
      { name: VARIABLES.egressNoProxy, value: directEntries(values['no-proxy'], report).join(',') },
      ...(mounted
        ? [{ name: VARIABLES.egressCredentialsFile, value: `${mounted.mount.mountPath}/${EGRESS_CREDENTIALS_FILE}` }]
        : []),
    ],
    volumes: mounted ? [mounted.volume] : [],
    mounts: mounted ? [mounted.mount] : [],
  }
}

/** A partner in the cluster is called directly, so the defaults that cover one stay. Variables of applications are unknown in the sidecar. */
function directEntries(extra: readonly string[], report: Report): readonly string[] {
  for (const entry of extra) {
    const parsed = entry.includes('$(') ? undefined : directDestination(entry)
    if (parsed?.ok === false)
      report({
        where: `${PREFIX}no-proxy`,
        value: entry,
        allowed: `${parsed.allowed}, because the egress proxy reads it`,
      })
  }
  const { entries } = directHosts(extra, { coverage: () => undefined, intercepts: false })
  return entries.filter((entry) => !entry.includes('$('))
}

function proxyOf(defaults: EgressDefaults): EgressProxy | undefined {
  const parsed = defaults.egressProxy === null ? undefined : egressProxy(defaults.egressProxy)
  return parsed?.ok === true ? parsed.value : undefined
}

function secretOf({ egressProxySecret }: EgressDefaults): MountedObject | undefined {
  const parsed = egressProxySecret === null ? undefined : egressSecret(egressProxySecret)
  return parsed?.ok === true ? parsed.value : undefined
}
