import type { FieldParser, FlatValues, Parser, TextParser } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  ADMIN_PORT,
  LOG_LEVELS,
  MOST_ITEMS,
  PROXY_PORT,
  ROUTE_FIELDS,
  ROUTE_FIELD_NAMES,
  UNMATCHED,
  CA_FILE,
  accepted,
  EGRESS_CREDENTIALS_FILE,
  configMapText,
  egressProxy,
  hiddenField,
  integer,
  listField,
  oneOf,
  refused,
  region,
  roleArn,
  secretText,
  separated,
  stringField,
} from '@aws-outbound-jwt-injector/proxy/contract'
import { cpuQuantity, memoryQuantity } from './quantity.ts'
import { parseRoutesAnnotation } from './routes-yaml.ts'
import { parseTokenFilesAnnotation } from './token-files.ts'

/** One annotation: a row of the table that parsing, error texts and docs/annotations.md are made from. */
export interface Annotation<T> {
  /** Parses the text; reports what is wrong under `where` and then returns undefined. */
  readonly parse: TextParser<T>
  /** What an absent annotation means, for the docs. */
  readonly fallback: string
  /** The same as a value, where it is one. */
  readonly default?: T
  readonly doc: string
}

const single = <T>(parse: Parser<T>, fallback: string, doc: string): Annotation<T> => ({
  parse: stringField(parse),
  fallback,
  doc,
})

/** @param value what an absent annotation means; parsing fills it in. */
const withDefault = <T>(annotation: Annotation<T>, value: T): Annotation<T> & { readonly default: T } => ({
  ...annotation,
  default: value,
})

const list = <T>(parse: FieldParser<readonly T[]>, fallback: string, doc: string): Annotation<readonly T[]> => ({
  parse: separated(parse),
  fallback,
  doc,
})

const containerName: Parser<string> = (value) =>
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value) ? accepted(value) : refused('the name of a container')

/**
 * No brackets around IPv6: Python's httpx then fails every call of the container, not only those to that address.
 * SECURITY: a `*` elsewhere means nothing to most clients, and to Java any partner: a call would leave in clear text.
 */
const noProxyEntry: Parser<string> = (value) =>
  /^(?:\*|(?:\d{1,3}\.){1,3}\*|(?:\*\.)?(?:\$\([A-Za-z_][\w.-]*\)|[\w.:/-]){1,253})$/.test(value)
    ? accepted(value)
    : refused('a host, a .suffix, an IP address (IPv6 without brackets), a CIDR, 10.* for Java, or $(VARIABLE)')

/** How calls come to the sidecar. An operator's default has the same values. */
export const STEERING_MODES = ['proxy', 'hosts'] as const
export type SteeringMode = (typeof STEERING_MODES)[number]

/** Below 1024 the sidecar could not listen; it runs without capabilities. */
const port = integer(1024, 65535)

/** Of the fields of a route that are annotations of their own. */
const PARTNER = Object.fromEntries(
  ROUTE_FIELD_NAMES.flatMap((field) => {
    const { annotation } = ROUTE_FIELDS[field]
    return annotation === undefined ? [] : [[annotation.name, annotation]]
  }),
) as unknown as { readonly [Name in keyof FlatValues]: Annotation<FlatValues[Name]> }

/** Names a partner: as one group, set on the pod or by default, never mixed. */
export const PARTNER_ANNOTATIONS = Object.keys(PARTNER) as readonly (keyof FlatValues)[]

/** The closed set, in the order of the docs. Names come after `outbound-jwt.io/`. */
export const ANNOTATIONS = {
  inject: single(
    oneOf('true', 'enabled', 'false', 'disabled'),
    'not injected, unless the namespace is labelled `outbound-jwt.io/inject=enabled`',
    'Whether this pod gets the sidecar. `false` and `disabled` win over the label of the namespace.',
  ),
  ...PARTNER,
  routes: {
    parse: parseRoutesAnnotation,
    fallback: 'one route, from the annotations of a partner above',
    doc: 'YAML list for several partners, instead of the annotations of one above; see below.',
  } satisfies Annotation<unknown>,
  'token-files': {
    parse: parseTokenFilesAnnotation,
    fallback: 'none',
    doc: 'YAML list of files that SDKs read a token from, with or without partners above ([token files](token-files.md)).',
  } satisfies Annotation<unknown>,
  steering: single(
    oneOf(...STEERING_MODES),
    '`injection.steering` of the chart, which is `proxy`',
    'How calls come to the sidecar: by variables that name it as the `proxy`, or by the `hosts` file of every container, which leads the names of partners to it whatever the client ([steering](steering.md)).',
  ),
  'role-arn': single(
    roleArn,
    'the role of the service account (IRSA or EKS Pod Identity)',
    'IAM role of the tokens. The sidecar then gets a service account token of its own for it, and only the sidecar.',
  ),
  region: single(
    region,
    'the region of the chart, else what EKS injects',
    'AWS region whose STS signs the tokens. Needed with `role-arn` when the chart names none.',
  ),
  containers: list(
    listField(containerName, 1, MOST_ITEMS),
    'every container but known mesh and agent sidecars',
    'Containers that get the variables, comma separated. An init container must start after the sidecar.',
  ),
  'skip-containers': list(
    listField(containerName, 1, MOST_ITEMS),
    'none',
    'Containers that do not get the variables, comma separated.',
  ),
  unmatched: single(
    oneOf(...UNMATCHED),
    `\`${UNMATCHED[0]}\``,
    'Hosts without a route: `passthrough` forwards them untouched and without a token, `deny` refuses them. That holds for calls that reach the sidecar: an `https://` URL does so with `https: intercept` alone.',
  ),
  'no-proxy': withDefault(
    list(
      listField(noProxyEntry, 1, MOST_ITEMS),
      'none',
      'Hosts that are called directly, comma separated, added to `NO_PROXY`. May use `$(VARIABLE)`. IPv6 addresses without brackets.',
    ),
    [],
  ),
  'egress-proxy': {
    // SECURITY: a URL may have a password in it, which no report repeats.
    parse: hiddenField(egressProxy),
    fallback: 'the default of the chart, else none',
    doc: 'Proxy by which everything leaves the sidecar, as `http://host:port` or `https://host:port`, without a password. What `NO_PROXY` has by default and `no-proxy` names leaves directly. See [egress proxy](egress-proxy.md).',
  },
  'egress-proxy-secret': {
    parse: hiddenField(secretText('egress', EGRESS_CREDENTIALS_FILE)),
    fallback: 'none',
    doc: "Credentials for the egress proxy, `user:password`, as `<Secret>/<key>` of the pod's namespace. The sidecar alone reads it.",
  },
  'extra-ca': single(
    configMapText('extra-ca', CA_FILE),
    'public authorities alone',
    "With `https: intercept`: authorities that the application trusts besides the public ones, as `<ConfigMap>/<key>` of the pod's namespace, in PEM. Most clients trust only what the injected variables name.",
  ),
  'env-policy': withDefault(
    single(
      oneOf('refuse', 'keep', 'override', 'chain'),
      '`refuse`',
      'A container that already sets `HTTP_PROXY` in any case, even empty, or with `https: intercept` also `HTTPS_PROXY` or a variable that names what it trusts: `refuse` the pod, `keep` the container as it is (no token), or `override` the value. `chain` overrides a proxy alone, and makes it the one by which the sidecar leaves ([egress proxy](egress-proxy.md#the-proxy-that-a-pod-has-already)).',
    ),
    'refuse',
  ),
  runtimes: withDefault(
    list(
      listField(oneOf('node', 'java'), 1, 2),
      '`node`',
      'Runtimes that need more than `HTTP_PROXY`, comma separated: `node` sets `NODE_USE_ENV_PROXY`, `java` extends `JAVA_TOOL_OPTIONS`.',
    ),
    ['node'],
  ),
  'proxy-port': withDefault(
    single(port, `\`${PROXY_PORT}\``, 'Port of the proxy on 127.0.0.1, 1024 to 65535.'),
    PROXY_PORT,
  ),
  'admin-port': withDefault(
    single(port, `\`${ADMIN_PORT}\``, 'Port of probes and metrics, 1024 to 65535.'),
    ADMIN_PORT,
  ),
  'log-level': single(oneOf(...LOG_LEVELS), '`info`', 'Least severe level the sidecar logs.'),
  'cpu-request': single(cpuQuantity, '`10m`', 'CPU request of the sidecar.'),
  'cpu-limit': single(cpuQuantity, 'none', 'CPU limit of the sidecar.'),
  'memory-request': single(memoryQuantity, '`64Mi`', 'Memory request of the sidecar.'),
  'memory-limit': single(memoryQuantity, '`128Mi`', 'Memory limit of the sidecar, at least 96Mi.'),
} as const

export type AnnotationName = keyof typeof ANNOTATIONS

type Value<Name extends AnnotationName> = Exclude<ReturnType<(typeof ANNOTATIONS)[Name]['parse']>, undefined>
type Defaulted = {
  [Name in AnnotationName]: (typeof ANNOTATIONS)[Name] extends { readonly default: unknown } ? Name : never
}[AnnotationName]

/** What the annotations of a pod say, defaults included. */
export type AnnotationValues = { readonly [Name in Defaulted]: Value<Name> } & {
  readonly [Name in Exclude<AnnotationName, Defaulted>]?: Value<Name>
}
