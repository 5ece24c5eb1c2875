import {
  LOG_LEVELS,
  UNMATCHED,
  VARIABLES,
  accepted,
  boolean,
  duration,
  oneOf,
  optional,
  parseRoutes,
  refused,
  roleArn,
  text,
} from './contract.ts'
import type { Parser, Route } from './contract.ts'
import { LOG_FORMATS, listenAddress, loopbackAddress, readSettings, setting } from './runtime/index.ts'
import type { Setting, Settings } from './runtime/index.ts'

/** SECURITY: absolute only, so that the meaning does not depend on where the process starts. */
const path: Parser<string> = (value) => (value.startsWith('/') ? accepted(value) : refused('an absolute path'))

const routes: Setting<readonly Route[]> = {
  variable: VARIABLES.routes,
  fallback: '[]',
  parse: parseRoutes,
  doc: 'JSON array of routes: which hosts get which token.',
}

/** Every variable the proxy reads. docs/configuration.md is made from this table. */
export const SETTINGS = {
  listenAddr: setting(
    VARIABLES.listenAddr,
    '127.0.0.1:15400',
    listenAddress,
    'Where applications send their requests.',
  ),
  adminListenAddr: setting(
    VARIABLES.adminListenAddr,
    '[::]:15401',
    listenAddress,
    'Where /startup, /livez, /readyz and /metrics are served.',
  ),
  controlListenAddr: setting(
    'CONTROL_LISTEN_ADDR',
    '127.0.0.1:15402',
    loopbackAddress,
    'Where doctor and the log level are served; loopback only.',
  ),
  routes,
  unmatched: setting(
    VARIABLES.unmatched,
    'passthrough',
    oneOf(...UNMATCHED),
    'What happens to hosts without a rule: forwarded untouched and without a token, or refused.',
  ),
  expectedRoleArn: setting(
    VARIABLES.expectedRoleArn,
    '',
    optional(roleArn),
    'A token whose subject is another role is refused.',
  ),
  allowLocalUpstreams: setting(
    'ALLOW_LOCAL_UPSTREAMS',
    'false',
    boolean,
    'Lets rule hosts resolve to loopback addresses. For demos and tests.',
  ),
  upstreamCaFile: setting(
    'UPSTREAM_CA_FILE',
    '',
    optional(path),
    'PEM file with the trust anchors for partners without a CA of their own; default the public ones.',
  ),
  upstreamTimeoutSeconds: setting(
    'UPSTREAM_TIMEOUT',
    '120s',
    duration(1, 3600),
    'How long a partner may take until its response head.',
  ),
  shutdownTimeoutSeconds: setting(
    'SHUTDOWN_TIMEOUT',
    '25s',
    duration(1, 3600),
    'How long requests in flight may take after SIGTERM.',
  ),
  drainDelaySeconds: setting(
    'DRAIN_DELAY',
    '0s',
    duration(0, 3600),
    'How long new connections are still accepted after SIGTERM.',
  ),
  tokenRefreshSkewSeconds: setting(
    'TOKEN_REFRESH_SKEW',
    '',
    optional(duration(1, 3600)),
    'Refresh this long before expiry, instead of at half the life of the token.',
  ),
  logLevel: setting(VARIABLES.logLevel, 'info', oneOf(...LOG_LEVELS), 'Least severe level that is logged.'),
  logFormat: setting(
    'LOG_FORMAT',
    'json',
    oneOf(...LOG_FORMATS),
    'One JSON object or one line of key=value pairs per event.',
  ),
  metricsEnabled: setting('METRICS_ENABLED', 'true', boolean, 'Whether metrics are kept and served.'),
  metricsPath: setting('METRICS_PATH', '/metrics', path, 'Path of the metrics on the admin port.'),
  podName: setting(VARIABLES.podName, '', text, 'Names the pod in the AWS role session.'),
  podNamespace: setting(VARIABLES.podNamespace, '', text, 'Names the namespace in the AWS role session.'),
} as const

export type ProxyConfig = Settings<typeof SETTINGS>

/** @throws SettingsError naming every problem of the environment. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ProxyConfig {
  return readSettings(SETTINGS, environment)
}
