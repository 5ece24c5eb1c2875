import {
  CREDENTIALS,
  LOG_LEVELS,
  UNMATCHED,
  UPSTREAM_TIMEOUT_SECONDS,
  VARIABLES,
  absolutePath,
  integer,
  oneOf,
  optional,
  parseRoutes,
  parseTokenFiles,
  roleArn,
  sessionName,
  text,
} from './contract.ts'
import type { Problem, Report, Route, TokenFile } from './contract.ts'
import { EGRESS_SETTINGS, rejectOwnListener, rejectUnusedEgress } from './egress/settings.ts'
import { NO_FLAGS } from './flags.ts'
import type { Flags } from './flags.ts'
import {
  LOG_FORMATS,
  SettingsError,
  checkListeners,
  listenAddress,
  loopbackAddress,
  parseSettings,
  setting,
} from './runtime/index.ts'
import type { Naming, Setting, Settings } from './runtime/index.ts'
import { checkStandalone } from './standalone/checks.ts'
import { compileStandalone } from './standalone/compile.ts'
import { goBoolean, goDuration, oneOfAnyCase } from './standalone/go-values.ts'
import { isStandalone, rejectOtherMode } from './standalone/mode.ts'
import type { Given } from './standalone/mode.ts'
import { STANDALONE_FALLBACKS, STANDALONE_SETTINGS } from './standalone/settings.ts'
import { sidecarWarnings, standaloneWarnings } from './standalone/warnings.ts'
import type { ConfigWarning } from './standalone/warnings.ts'
import { checkSteeredPorts, reportSteeredPorts, steeredPorts } from './steering/ports.ts'

const routes: Setting<readonly Route[]> = {
  variable: VARIABLES.routes,
  fallback: '[]',
  parse: parseRoutes,
  doc: 'JSON array of routes: which hosts get which token.',
}

const tokenFiles: Setting<readonly TokenFile[]> = {
  variable: VARIABLES.tokenFiles,
  fallback: '[]',
  parse: parseTokenFiles,
  doc: 'JSON array of files that applications read tokens from. Without ROUTES beside it nothing listens on LISTEN_ADDR.',
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
  credentials: setting(
    VARIABLES.credentials,
    CREDENTIALS[0],
    oneOf(...CREDENTIALS),
    '`none` where no route gets its token from AWS: admission then wants no role for the pod.',
  ),
  expectedRoleArn: setting(
    VARIABLES.expectedRoleArn,
    '',
    optional(roleArn),
    'A token whose subject is another role is refused.',
  ),
  allowLocalUpstreams: {
    ...setting(
      'ALLOW_LOCAL_UPSTREAMS',
      'false',
      goBoolean,
      'Lets rule hosts resolve to loopback addresses. For demos and tests.',
    ),
    alone: 'true',
  },
  upstreamCaFile: setting(
    'UPSTREAM_CA_FILE',
    '',
    optional(absolutePath),
    'PEM file with the trust anchors for partners without a CA of their own; default the public ones.',
  ),
  upstreamTimeoutSeconds: setting(
    'UPSTREAM_TIMEOUT',
    `${UPSTREAM_TIMEOUT_SECONDS}s`,
    goDuration(0.001, 3600),
    'How long a partner may take until its response head; a route may say otherwise.',
  ),
  maxConnections: setting(
    'MAX_CONNECTIONS',
    '',
    optional(integer(1, 65_535)),
    'Connections of clients, and requests in flight, at a time, whatever memory they need. Without it: as many as the memory limit of the container holds, at most 1024.',
  ),
  shutdownTimeoutSeconds: setting(
    'SHUTDOWN_TIMEOUT',
    '25s',
    goDuration(1, 3600),
    'How long requests in flight may take after SIGTERM.',
  ),
  drainDelaySeconds: setting(
    'DRAIN_DELAY',
    '0s',
    goDuration(0, 3600),
    'How long new connections are still accepted after SIGTERM.',
  ),
  tokenRefreshSkewSeconds: setting(
    'TOKEN_REFRESH_SKEW',
    '',
    optional(goDuration(1, 3600)),
    'Refresh this long before expiry, instead of at half the life of the token.',
  ),
  logLevel: setting(VARIABLES.logLevel, 'info', oneOfAnyCase(...LOG_LEVELS), 'Least severe level that is logged.'),
  logFormat: setting(
    'LOG_FORMAT',
    'json',
    oneOfAnyCase(...LOG_FORMATS),
    'One JSON object or one line of key=value pairs per event.',
  ),
  metricsEnabled: {
    ...setting('METRICS_ENABLED', 'true', goBoolean, 'Whether metrics are kept and served.'),
    alone: 'true',
  },
  metricsPath: setting('METRICS_PATH', '/metrics', absolutePath, 'Path of the metrics on the admin port.'),
  trustDir: setting(
    VARIABLES.trustDir,
    '',
    optional(absolutePath),
    'Directory for what applications are to trust where a route intercepts; they read it, this process writes it.',
  ),
  authorityDir: setting(
    VARIABLES.authorityDir,
    '',
    optional(absolutePath),
    'Directory that keeps the certificate authority for a restarted container; for nobody else to read.',
  ),
  extraCaFile: setting(
    VARIABLES.extraCaFile,
    '',
    optional(absolutePath),
    'PEM file with further authorities that applications are to trust, next to the public ones.',
  ),
  ...EGRESS_SETTINGS,
  steeredPorts: setting(
    VARIABLES.steeredPorts,
    '',
    steeredPorts,
    'Loopback ports, comma separated, that the names of partners lead to in this pod: 80, and the ports of routes with `https: intercept`. Names are then resolved by the name servers alone.',
  ),
  tokenFiles,
  tokensDir: setting(
    VARIABLES.tokensDir,
    '',
    optional(absolutePath),
    'Directory of the files of TOKEN_FILES; applications read them, this process writes them.',
  ),
  podName: setting(VARIABLES.podName, '', text, 'Names the pod in the AWS role session.'),
  podNamespace: setting(VARIABLES.podNamespace, '', text, 'Names the namespace in the AWS role session.'),
  roleSessionName: setting(
    'AWS_ROLE_SESSION_NAME',
    '',
    optional(sessionName),
    'Names the AWS role session instead of namespace and pod.',
  ),
  ...STANDALONE_SETTINGS,
} as const

/** The same rows with the defaults of standalone mode. */
export const STANDALONE_TABLE: typeof SETTINGS = {
  ...SETTINGS,
  listenAddr: { ...SETTINGS.listenAddr, fallback: STANDALONE_FALLBACKS.listenAddr },
  upstreamTimeoutSeconds: { ...SETTINGS.upstreamTimeoutSeconds, fallback: STANDALONE_FALLBACKS.upstreamTimeoutSeconds },
}

export interface ProxyConfig extends Settings<typeof SETTINGS> {
  /** Requests arrive in origin form, their upstream decided by UPSTREAM_HOST or named by HOST_HEADER. */
  readonly isStandalone: boolean
  /** What an operator should know of this configuration, said once at start. */
  readonly warnings: readonly ConfigWarning[]
}

/** @throws SettingsError naming every problem of the environment and of the flags. */
export function readConfig(given: Given, flags: Flags = NO_FLAGS): ProxyConfig {
  const values = { ...given, ...flags.values }
  const problems: Problem[] = [...flags.problems]
  const report = (problem: Problem): void => void problems.push(problem)
  const standalone = isStandalone(values)
  rejectOtherMode(values, flags.nameOf, report)
  const settings = parseSettings(standalone ? STANDALONE_TABLE : SETTINGS, values, flags.nameOf, report)
  if (standalone) checkStandalone(settings, values, flags.nameOf, report)
  const { listenAddr, adminListenAddr, controlListenAddr, metricsListenAddr } = SETTINGS
  const admin = standalone
    ? ([metricsListenAddr, settings.metricsListenAddr] as const)
    : ([adminListenAddr, settings.adminListenAddr] as const)
  const listeners = [
    [listenAddr, settings.listenAddr] as const,
    admin,
    [controlListenAddr, settings.controlListenAddr] as const,
  ]
  checkListeners(
    listeners.map(([{ variable }, address]) => [flags.nameOf(variable), address]),
    report,
  )
  rejectNoCredentials(settings, flags.nameOf, report)
  checkSteeredPorts(settings, reportSteeredPorts(flags.nameOf(SETTINGS.steeredPorts.variable), report))
  rejectUnusedEgress(values, flags.nameOf, report)
  const ports = [...listeners.map(([, address]) => address?.port), ...(settings.steeredPorts ?? [])]
  rejectOwnListener(settings.egressProxy, ports, flags.nameOf(VARIABLES.egressProxy), report)
  if (problems.length > 0) throw new SettingsError(problems)
  const complete = settings as Settings<typeof SETTINGS>
  return Object.freeze({
    ...complete,
    ...(standalone && compileStandalone(complete)),
    isStandalone: standalone,
    warnings: standalone ? standaloneWarnings(complete, values) : sidecarWarnings(complete.routes, complete.tokenFiles),
  })
}

/** SECURITY: the guard lets a pod without a role pass for CREDENTIALS=none, so nothing may be minted beside it. */
function rejectNoCredentials(
  { credentials, routes, tokenFiles: files }: Partial<Settings<typeof SETTINGS>>,
  nameOf: Naming,
  report: Report,
): void {
  const isAws = ({ source }: { readonly source: Route['source'] }): boolean => source === 'aws'
  const minting = [
    ...(routes ?? []).filter(isAws).map(({ name }) => `route ${name}`),
    ...(files ?? []).filter(isAws).map(({ name }) => `token file ${name}`),
  ]
  if (credentials === 'none' && minting[0] !== undefined)
    report({
      where: nameOf(VARIABLES.credentials),
      value: credentials,
      allowed: `aws, because ${minting[0]} gets its token from AWS`,
    })
}
