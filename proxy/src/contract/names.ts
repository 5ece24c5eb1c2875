/** One version for images, chart and bundles; a test compares it with package.json. */
export const VERSION = '0.1.0'

/** The injected container. A container of this name is ours only beside a status annotation of ours. */
export const PROXY_CONTAINER = 'aws-outbound-jwt-proxy'

/** Loopback port the application's `HTTP_PROXY` points at. */
export const PROXY_PORT = 15400
/** Port for probes and metrics, reachable from outside the pod. */
export const ADMIN_PORT = 15401
/** Port for doctor and log level. SECURITY: loopback only, never the pod IP. */
export const CONTROL_PORT = 15402

export const ADMIN_PATHS = { startup: '/startup', livez: '/livez', readyz: '/readyz', metrics: '/metrics' } as const

/** Exec startup probe of the image: waits for the proxy port. Meshes rewrite or capture HTTP and TCP probes, never exec ones. */
export const PROBE_COMMAND = ['/nodejs/bin/node', '/app/probe.mjs'] as const

export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const
/** What happens to hosts without a rule. The first is the default. */
export const UNMATCHED = ['passthrough', 'deny'] as const

/** Whether the sidecar needs AWS credentials. The first is the default. */
export const CREDENTIALS = ['aws', 'none'] as const

/** Environment variables of the sidecar that the webhook may set. `config.ts` says what each one means. */
export const VARIABLES = {
  listenAddr: 'LISTEN_ADDR',
  adminListenAddr: 'ADMIN_LISTEN_ADDR',
  routes: 'ROUTES',
  unmatched: 'UNMATCHED',
  expectedRoleArn: 'EXPECTED_ROLE_ARN',
  credentials: 'CREDENTIALS',
  logLevel: 'LOG_LEVEL',
  podName: 'POD_NAME',
  podNamespace: 'POD_NAMESPACE',
  trustDir: 'TRUST_DIR',
  authorityDir: 'AUTHORITY_DIR',
  extraCaFile: 'EXTRA_CA_FILE',
  steeredPorts: 'STEERED_PORTS',
  tokenFiles: 'TOKEN_FILES',
  tokensDir: 'TOKENS_DIR',
  egressProxy: 'EGRESS_PROXY',
  egressNoProxy: 'EGRESS_NO_PROXY',
  egressCredentialsFile: 'EGRESS_CREDENTIALS_FILE',
} as const

/** What the sidecar writes into TRUST_DIR for applications: its anchor alone, and all that they may trust as PEM and for Java. */
export const TRUST_FILES = { anchor: 'ca.crt', bundle: 'bundle.crt', javaBundle: 'bundle.jks' } as const

/** Every JDK's own password for its trusted certificates; it protects nothing. */
export const JKS_PASSWORD = 'changeit'

/** Exit statuses, after sysexits.h where it has one. */
export const EXIT = {
  drained: 0,
  fatal: 1,
  /** A setting is wrong, or a file it names cannot be read. */
  settings: 64,
  /** No AWS credentials in this pod. */
  noCredentials: 78,
} as const
