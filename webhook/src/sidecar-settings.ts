import { KNOWN_SIDECARS } from './injection/sidecar/known-sidecars.ts'
import { STEERING_MODES } from './injection/annotations/annotations.ts'
import { cpuQuantity, memoryQuantity } from './injection/annotations/quantity.ts'
import type { InjectionSettings } from './injection/settings.ts'
import { INJECTION_DEFAULTS } from './injection/settings.ts'
import { egressSecret } from './injection/sidecar/egress.ts'
import type { Parser } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  HTTPS_POLICIES,
  ROUTE_DEFAULTS,
  accepted,
  boolean,
  csv,
  egressProxy,
  integer,
  isRecord,
  oneOf,
  optional,
  parseJson,
  refused,
  region,
  withoutSecrets,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { Setting, Settings } from '@aws-outbound-jwt-injector/proxy/runtime'
import { setting } from '@aws-outbound-jwt-injector/proxy/runtime'

const present: Parser<string> = (value) => (value === '' ? refused('a value; it has no default') : accepted(value))

/** Of a Secret, a container or a host. */
export const kubernetesName: Parser<string> = (value) =>
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(value) ? accepted(value) : refused('a Kubernetes name')

const userId: Parser<number | null> = (value) => (value === 'null' ? accepted(null) : integer(1, 2_147_483_647)(value))

/** A quantity, or `none`; empty would mean the default. */
const orNone =
  (parse: Parser<string>): Parser<string | null> =>
  (value) => {
    if (value === 'none') return accepted(null)
    const parsed = parse(value)
    return parsed.ok ? parsed : refused(`none, or ${parsed.allowed}`)
  }

/** Text that a parser takes; null when it is empty. SECURITY: what is refused may hold a password, and is not repeated. */
const hidden = (variable: string, parse: Parser<unknown>, doc: string): Setting<string | null> => ({
  variable,
  fallback: '',
  doc,
  parse: (value, where, report) => {
    if (value === '') return null
    const parsed = parse(value)
    if (parsed.ok) return value
    report({ where, value: withoutSecrets(value), allowed: parsed.allowed })
    return undefined
  },
})

const stringMap: Parser<Readonly<Record<string, string>>> = (value) => {
  const parsed = parseJson(value)
  if (parsed?.ok === false) return parsed
  const map = parsed?.value
  return isRecord(map) && Object.values(map).every((item) => typeof item === 'string')
    ? accepted(map as Record<string, string>)
    : refused('a JSON object whose values are strings')
}

const names: Parser<readonly string[]> = (value) => (value === '' ? accepted([]) : csv(kubernetesName)(value))

/** What the operator decides for every sidecar: by variables of the webhook, and offline by values of the chart. */
export const SIDECAR_SETTINGS = {
  image: setting('PROXY_IMAGE', '', present, 'Image of the sidecar.'),
  imagePullPolicy: setting(
    'PROXY_IMAGE_PULL_POLICY',
    'IfNotPresent',
    oneOf('Always', 'IfNotPresent', 'Never'),
    'Pull policy of the sidecar.',
  ),
  imagePullSecrets: setting('PROXY_IMAGE_PULL_SECRETS', '', names, 'Names of pull secrets, added to the pod.'),
  runAsUser: setting(
    'SIDECAR_RUN_AS_USER',
    '64532',
    userId,
    'User ID of the sidecar; `null` lets the platform choose, as OpenShift wants.',
  ),
  cpuRequest: setting('SIDECAR_CPU_REQUEST', '10m', orNone(cpuQuantity), 'CPU request of the sidecar, or `none`.'),
  cpuLimit: setting('SIDECAR_CPU_LIMIT', 'none', orNone(cpuQuantity), 'CPU limit of the sidecar, or `none`.'),
  memoryRequest: setting(
    'SIDECAR_MEMORY_REQUEST',
    '64Mi',
    orNone(memoryQuantity),
    'Memory request of the sidecar, or `none`.',
  ),
  memoryLimit: setting(
    'SIDECAR_MEMORY_LIMIT',
    '128Mi',
    orNone(memoryQuantity),
    'Memory limit of the sidecar, at least 96Mi, or `none`.',
  ),
  liveness: setting(
    'SIDECAR_LIVENESS',
    'false',
    boolean,
    'Whether the kubelet restarts a sidecar whose /livez does not answer.',
  ),
  extraEnv: setting('SIDECAR_EXTRA_ENV', '{}', stringMap, 'JSON object of variables for the sidecar alone.'),
  region: setting('DEFAULT_REGION', '', optional(region), 'AWS region of pods that name a role and no region.'),
  https: setting(
    'DEFAULT_HTTPS',
    ROUTE_DEFAULTS.https,
    oneOf(...HTTPS_POLICIES),
    'What happens to `https://` URLs of partners that do not say it: `refuse`, `tunnel` or `intercept`.',
  ),
  steering: setting(
    'DEFAULT_STEERING',
    INJECTION_DEFAULTS.steering,
    oneOf(...STEERING_MODES),
    'How calls come to the sidecar in pods that do not say it: `proxy` or `hosts`.',
  ),
  egressProxy: hidden(
    'DEFAULT_EGRESS_PROXY',
    egressProxy,
    'URL of the egress proxy of pods that name none, without a password; empty: they leave directly.',
  ),
  egressProxySecret: hidden(
    'DEFAULT_EGRESS_PROXY_SECRET',
    egressSecret,
    "`user:password` for that proxy, as `<Secret>/<key>` of the pod's namespace.",
  ),
  defaults: setting(
    'DEFAULT_ANNOTATIONS',
    '{}',
    stringMap,
    'JSON object of annotations, without prefix, for pods whose namespace is opted in.',
  ),
  knownSidecars: setting(
    'KNOWN_SIDECARS',
    KNOWN_SIDECARS.join(','),
    names,
    'Containers of other injectors, which get no variables.',
  ),
} as const

export function injectionSettings(settings: Settings<typeof SIDECAR_SETTINGS>): InjectionSettings {
  const { image, imagePullPolicy, imagePullSecrets, runAsUser, extraEnv, liveness, knownSidecars, defaults } = settings
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = settings
  return {
    ...INJECTION_DEFAULTS,
    image,
    imagePullPolicy,
    imagePullSecrets,
    runAsUser,
    resources: { cpuRequest, cpuLimit, memoryRequest, memoryLimit },
    extraEnv,
    liveness,
    knownSidecars,
    region: settings.region ?? null,
    https: settings.https,
    steering: settings.steering,
    egressProxy: settings.egressProxy,
    egressProxySecret: settings.egressProxySecret,
    defaults,
  }
}
