import { isIP } from 'node:net'
import { KNOWN_SIDECARS } from './injection/known-sidecars.ts'
import { cpuQuantity, memoryQuantity } from './injection/quantity.ts'
import type { InjectionSettings } from './injection/settings.ts'
import { INJECTION_DEFAULTS, settingsProblems } from './injection/settings.ts'
import type { Parser, Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  LOG_LEVELS,
  accepted,
  boolean,
  csv,
  duration,
  integer,
  oneOf,
  optional,
  refused,
  region,
  text,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { Settings } from '@aws-outbound-jwt-injector/proxy/runtime'
import {
  LOG_FORMATS,
  SettingsError,
  listenAddress,
  readSettings,
  setting,
} from '@aws-outbound-jwt-injector/proxy/runtime'

const present: Parser<string> = (value) => (value === '' ? refused('a value; it has no default') : accepted(value))

const dnsLabel: Parser<string> = (value) =>
  /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(value) ? accepted(value) : refused('a Kubernetes name')

const hostOrAddress: Parser<string> = (value) =>
  isIP(value) > 0 || dnsLabel(value).ok ? accepted(value) : refused('a DNS name or an IP address')

const userId: Parser<number | null> = (value) => (value === 'null' ? accepted(null) : integer(1, 2_147_483_647)(value))

/** A quantity, or `none`; empty would mean the default. */
const orNone =
  (parse: Parser<string>): Parser<string | null> =>
  (value) => {
    if (value === 'none') return accepted(null)
    const parsed = parse(value)
    return parsed.ok ? parsed : refused(`none, or ${parsed.allowed}`)
  }

const stringMap: Parser<Readonly<Record<string, string>>> = (value) => {
  const allowed = refused('a JSON object whose values are strings')
  try {
    const map: unknown = JSON.parse(value)
    if (typeof map !== 'object' || map === null || Array.isArray(map)) return allowed
    return Object.values(map).every((item) => typeof item === 'string')
      ? accepted(map as Record<string, string>)
      : allowed
  } catch {
    return allowed
  }
}

const hosts: Parser<readonly string[]> = (value) => (value === '' ? accepted([]) : csv(hostOrAddress)(value))

const names: Parser<readonly string[]> = (value) => (value === '' ? accepted([]) : csv(dnsLabel)(value))

/** Every variable the webhook reads. docs/configuration-webhook.md is made from this table. */
export const SETTINGS = {
  listenAddr: setting('LISTEN_ADDR', '[::]:9443', listenAddress, 'Where admission is served, over HTTPS.'),
  adminListenAddr: setting(
    'ADMIN_LISTEN_ADDR',
    '[::]:9444',
    listenAddress,
    'Where /livez, /readyz and /metrics are served.',
  ),
  certificateMode: setting(
    'CERTIFICATE_MODE',
    'self',
    oneOf('self', 'cert-manager', 'secret'),
    'Where the serving certificate comes from: made, published and renewed by the webhook itself (`self`), or mounted files, whose caBundle cert-manager (`cert-manager`) or you (`secret`) publish.',
  ),
  namespace: setting('POD_NAMESPACE', '', text, 'Mode `self`: namespace of the Secret.'),
  certificateSecret: setting(
    'CERTIFICATE_SECRET',
    'aws-outbound-jwt-injector-certificates',
    dnsLabel,
    'Mode `self`: Secret that the replicas share their certificates in. They make it.',
  ),
  webhookConfiguration: setting(
    'WEBHOOK_CONFIGURATION',
    'aws-outbound-jwt-injector',
    dnsLabel,
    'Mode `self`: MutatingWebhookConfiguration whose caBundle is kept.',
  ),
  certificateHosts: setting(
    'CERTIFICATE_HOSTS',
    '',
    hosts,
    'Mode `self`: DNS names and IP addresses that the API server calls, such as `<service>.<namespace>.svc`.',
  ),
  certificateLifetimeSeconds: setting(
    'CERTIFICATE_LIFETIME',
    '2160h',
    duration(60, 87_600 * 3600),
    'Mode `self`: how long a certificate is valid. It is renewed after two thirds.',
  ),
  publicationDelaySeconds: setting(
    'CERTIFICATE_PUBLICATION_DELAY',
    '5m',
    duration(1, 86_400),
    'Mode `self`: how long a certificate is in caBundle before it is served, for control planes with several API servers.',
  ),
  certFile: setting('TLS_CERT_FILE', '', text, 'Other modes: PEM file with the serving certificate and its chain.'),
  keyFile: setting('TLS_KEY_FILE', '', text, 'Other modes: PEM file with its key.'),
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
  shutdownDelaySeconds: setting(
    'SHUTDOWN_DELAY',
    '10s',
    duration(0, 300),
    'How long new connections are still accepted after SIGTERM.',
  ),
  shutdownTimeoutSeconds: setting(
    'SHUTDOWN_TIMEOUT',
    '25s',
    duration(1, 600),
    'When the process ends after SIGTERM whatever is in flight.',
  ),
  logLevel: setting('LOG_LEVEL', 'info', oneOf(...LOG_LEVELS), 'Least severe level that is logged.'),
  logFormat: setting(
    'LOG_FORMAT',
    'json',
    oneOf(...LOG_FORMATS),
    'One JSON object or one line of key=value pairs per event.',
  ),
} as const

export interface WebhookConfig extends Settings<typeof SETTINGS> {
  readonly injection: InjectionSettings
}

/** @throws SettingsError naming every problem of the environment. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): WebhookConfig {
  const settings = readSettings(SETTINGS, environment)
  const { image, imagePullPolicy, imagePullSecrets, runAsUser, extraEnv, liveness, knownSidecars, defaults } = settings
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit } = settings
  const injection: InjectionSettings = {
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
    defaults,
  }
  const problems = [...certificateProblems(settings), ...settingsProblems(injection)]
  if (problems.length > 0) throw new SettingsError(problems)
  return Object.freeze({ ...settings, injection })
}

/** A renewal leaves a third of the life to publish, wait and serve. */
const DELAYS_PER_LIFETIME = 12

function certificateProblems(settings: Settings<typeof SETTINGS>): readonly Problem[] {
  const { certificateMode: mode, certificateHosts, namespace, certFile, keyFile } = settings
  const needed: readonly (readonly [variable: string, given: boolean])[] =
    mode === 'self'
      ? [
          [SETTINGS.namespace.variable, namespace !== ''],
          [SETTINGS.certificateHosts.variable, certificateHosts.length > 0],
        ]
      : [
          [SETTINGS.certFile.variable, certFile !== ''],
          [SETTINGS.keyFile.variable, keyFile !== ''],
        ]
  const missing = needed
    .filter(([, given]) => !given)
    .map(([where]) => ({ where, value: '', allowed: `a value; mode ${mode} needs it` }))
  const longestDelay = Math.floor(settings.certificateLifetimeSeconds / DELAYS_PER_LIFETIME)
  if (settings.publicationDelaySeconds <= longestDelay) return missing
  const { variable } = SETTINGS.publicationDelaySeconds
  const allowed = `at most ${longestDelay}s, a twelfth of ${SETTINGS.certificateLifetimeSeconds.variable}`
  return [...missing, { where: variable, value: `${settings.publicationDelaySeconds}s`, allowed }]
}
