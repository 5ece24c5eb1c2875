import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { InjectionSettings } from './injection/settings.ts'
import { settingsProblems } from './injection/settings.ts'
import { SIDECAR_SETTINGS, injectionSettings, kubernetesName } from './sidecar-settings.ts'
import type { Parser, Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  LOG_LEVELS,
  accepted,
  csv,
  duration,
  oneOf,
  optional,
  refused,
  text,
} from '@aws-outbound-jwt-injector/proxy/contract'
import type { Settings } from '@aws-outbound-jwt-injector/proxy/runtime'
import {
  LOG_FORMATS,
  SettingsError,
  checkListeners,
  listenAddress,
  readSettings,
  setting,
} from '@aws-outbound-jwt-injector/proxy/runtime'

const hostOrAddress: Parser<string> = (value) =>
  isIP(value) > 0 || kubernetesName(value).ok ? accepted(value) : refused('a DNS name or an IP address')

const hosts: Parser<readonly string[]> = (value) => (value === '' ? accepted([]) : csv(hostOrAddress)(value))

/** Node silently ignores a text without a certificate, and then trusts nobody. */
const certificates: Parser<string> = (value) => {
  try {
    new X509Certificate(value)
    return accepted(value)
  } catch {
    return refused('at least one certificate as PEM')
  }
}

/** Every variable the webhook reads. docs/configuration-webhook.md is made from this table. */
export const SETTINGS = {
  listenAddr: setting('LISTEN_ADDR', '[::]:9443', listenAddress, 'Where admission is served, over HTTPS.'),
  adminListenAddr: setting(
    'ADMIN_LISTEN_ADDR',
    '[::]:9444',
    listenAddress,
    'Where /livez, /readyz and /metrics are served.',
  ),
  timeoutSeconds: setting(
    'ADMISSION_TIMEOUT',
    '5s',
    duration(1, 30),
    '`timeoutSeconds` of the registration. No request is waited for longer, whatever it says itself.',
  ),
  clientCa: setting(
    'API_SERVER_CLIENT_CA',
    '',
    optional(certificates),
    'Certificates, as PEM, of the authorities that sign the client certificate of the API server. With them, admission is served to nobody else; empty serves everybody.',
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
    kubernetesName,
    'Mode `self`: Secret that the replicas share their certificates in. They make it.',
  ),
  webhookConfiguration: setting(
    'WEBHOOK_CONFIGURATION',
    'aws-outbound-jwt-injector',
    kubernetesName,
    'Mode `self`: MutatingWebhookConfiguration whose caBundle is kept, and ValidatingWebhookConfiguration that gets the same, if there is one.',
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
  policyFile: setting(
    'POLICY_FILE',
    '',
    text,
    'File with a policy, `rules:` as in `policy.rules` of the chart: what each namespace may ask for. It is read again when it changes. Empty: IAM alone decides.',
  ),
  ...SIDECAR_SETTINGS,
  namespaceWithoutRole: setting(
    'NAMESPACE_WITHOUT_ROLE',
    'Ignore',
    oneOf('Ignore', 'Refuse'),
    'Pods without annotations in a labelled namespace that nothing gives an AWS role: `Ignore` leaves them as they are, `Refuse` injects them, and the guard refuses them.',
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
  const injection = { ...injectionSettings(settings), waitsForRole: settings.namespaceWithoutRole === 'Ignore' }
  const problems = [...certificateProblems(settings), ...settingsProblems(injection)]
  const { listenAddr, adminListenAddr } = SETTINGS
  checkListeners(
    [
      [listenAddr.variable, settings.listenAddr],
      [adminListenAddr.variable, settings.adminListenAddr],
    ],
    (problem) => problems.push(problem),
  )
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
