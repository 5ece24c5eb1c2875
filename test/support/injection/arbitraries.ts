// Pods and annotations for properties: mostly what authors write, sometimes what they get wrong.
import fc from 'fast-check'
import type { Json } from './object.ts'
import { at, list } from './object.ts'

const NAMES = ['orders', 'metrics', 'migrate', 'warm-up', 'istio-proxy', 'linkerd-proxy', 'vault-agent', 'log-shipper']
const VARIABLES = [
  'A',
  'B',
  'NO_PROXY',
  'no_proxy',
  'JAVA_TOOL_OPTIONS',
  'NODE_USE_ENV_PROXY',
  'KUBERNETES_SERVICE_HOST',
]
const VALUES = ['', 'x', '$(A),.corp.example', 'localhost, .svc', '-Xmx1g', '1', 'a.partner.example', '$$(B)']

/** @returns an object of which every member may be absent. */
function partial(members: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<Json> {
  return fc.record<Json>(members, { requiredKeys: [] })
}

const variable = fc.oneof(
  { weight: 30, arbitrary: fc.record({ name: fc.constantFrom(...VARIABLES), value: fc.constantFrom(...VALUES) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      name: fc.constantFrom(...VARIABLES),
      valueFrom: fc.constant({ fieldRef: { fieldPath: 'status.podIP' } }),
    }),
  },
  fc.record({
    name: fc.constantFrom(
      'HTTP_PROXY',
      'http_proxy',
      'Http_Proxy',
      'HTTPS_PROXY',
      'https_proxy',
      'SSL_CERT_FILE',
      'DENO_CERT',
      'AZURE_CLIENT_ID',
    ),
    value: fc.constantFrom('', 'http://p:1'),
  }),
)

const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { freq: 8 })

const amounts = partial({ cpu: fc.constantFrom('1', '500m'), memory: fc.constantFrom('1Gi', '512Mi') })
const resources = fc.oneof(
  fc.constant({ limits: { cpu: '1', memory: '1Gi' } }),
  amounts.map((requests) => ({ requests })),
  fc.constant({}),
)

const port = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({ containerPort: fc.constantFrom(80, 8080), protocol: fc.constantFrom('TCP', 'UDP') }),
  },
  { weight: 4, arbitrary: fc.constant({ containerPort: 15400, protocol: 'UDP' }) },
  fc.constant({ containerPort: 15401 }),
)

/** A volume that is always there; the second path is one of ours. */
const mount = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom({ name: 'data', mountPath: '/data' }, { name: 'data', mountPath: '/run' }) },
  fc.constant({ name: 'data', mountPath: '/var/run/secrets/outbound-jwt.io' }),
)

const body = partial({
  image: fc.constant('registry.example/app:1'),
  env: orNull(fc.array(variable, { maxLength: 5 })),
  envFrom: orNull(fc.array(fc.constant({ configMapRef: { name: 'c' } }), { maxLength: 1 })),
  ports: orNull(fc.array(port, { maxLength: 2 })),
  volumeMounts: orNull(fc.array(mount, { maxLength: 1 })),
  resources,
  securityContext: fc.constantFrom(
    { privileged: true },
    {
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  ),
  readinessProbe: fc.constant({ httpGet: { path: '/', port: 80 } }),
  futureField: fc.constantFrom<unknown>(null, 1, { a: [{ b: 2 }] }),
})

/** Containers of unique names, split between init containers and containers. */
const containers = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 6 }),
    fc.array(body, { minLength: 6, maxLength: 6 }),
    fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    fc.nat(),
  )
  .map(([names, bodies, natives, split]) => {
    const all = names.map((name, index) => ({ name, image: 'registry.example/app:1', ...bodies[index] }))
    const inits = all.slice(0, split % all.length)
    return {
      containers: all.slice(inits.length),
      ...(inits.length > 0 && {
        initContainers: inits.map((init, index): Json => {
          const { readinessProbe, ...plain }: Json = init
          return natives[index] === true ? { ...plain, readinessProbe, restartPolicy: 'Always' } : plain
        }),
      }),
    }
  })

const spec = fc
  .tuple(
    containers,
    partial({
      volumes: orNull(
        fc.uniqueArray(fc.record({ name: fc.constantFrom('data', 'cache'), emptyDir: fc.constant({}) }), {
          selector: ({ name }) => name,
        }),
      ),
      imagePullSecrets: orNull(fc.array(fc.record({ name: fc.constantFrom('registry', 'mirror') }), { maxLength: 2 })),
      shareProcessNamespace: fc.boolean(),
      hostNetwork: fc.constant(false),
      securityContext: fc.constantFrom(
        {},
        { runAsUser: 0 },
        { runAsNonRoot: true, runAsUser: 1000 },
        { sysctls: [{ name: 'net.ipv4.tcp_syncookies', value: '1' }] },
        { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] },
        { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '1024' }] },
      ),
      hostAliases: orNull(
        fc.uniqueArray(
          fc.record({
            ip: fc.constantFrom('192.0.2.1', '127.0.0.1', '::1'),
            hostnames: fc.constantFrom('db.corp.example', 'own.example').map((name) => [name, 'b.corp.example']),
          }),
          { selector: ({ ip }) => ip, maxLength: 3 },
        ),
      ),
      nodeSelector: fc.constantFrom({ 'kubernetes.io/os': 'linux' }, { pool: 'a' }),
      futureSpec: fc.constantFrom<unknown>(false, [], [{ name: 'x' }], { env: null }),
    }),
  )
  .map(([own, rest]) => ({ ...rest, ...own }))

const partner = fc.oneof(
  fc.constantFrom<Json>(
    { hosts: 'api.partner.example' },
    { hosts: '*.partner.example:8443,billing.finance.svc', audience: 'urn:a,$(B)' },
    { audience: 'https://a.partner.example,https://b.partner.example/x', tags: 'team=a' },
    {
      routes: '[{hosts: [a.partner.example], ca: {configMap: c, key: k}}, {hosts: [b.partner.example], duration: 5m}]',
    },
    { hosts: 'api.partner.example', duration: '10m', 'signing-algorithm': 'ES384' },
    { hosts: 'api.partner.example,*.partner.example', https: 'intercept' },
    { hosts: 'api.partner.example', https: 'intercept', 'extra-ca': 'corporate-ca/ca.crt' },
    {
      routes:
        '[{hosts: [a.partner.example], source: kubernetes, audience: [a]}, {hosts: [b.partner.example], audience: [b], exchange: {type: vault, address: "https://v.example", role: r, ca: {configMap: c, key: k}}}]',
    },
    {
      routes:
        '[{hosts: [a.partner.example], exchange: {preset: forgerock, tokenUrl: "https://am.example/t", clientId: c, grant: jwt-bearer, clientSecret: {secret: s, key: k}}}]',
    },
    { routes: '[{hosts: [a.partner.example], https: intercept}, {hosts: [b.partner.example], https: tunnel}]' },
    { 'token-files': '[{name: azure, sdk: {azure: {clientId: c, tenantId: t}}}]' },
    {
      hosts: 'api.partner.example',
      https: 'intercept',
      'token-files':
        '[{name: gcp, sdk: {google: {audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws1"}}}, {name: cluster, source: kubernetes, audience: [a]}]',
    },
    { hosts: 'a.partner.example', steering: 'hosts' },
    { hosts: 'a.partner.example,b.partner.example:8443', https: 'intercept', steering: 'hosts' },
  ),
)

const choices = partial({
  'role-arn': fc.constant('arn:aws:iam::123456789012:role/orders'),
  region: fc.constant('eu-central-1'),
  unmatched: fc.constantFrom('passthrough', 'deny'),
  'env-policy': fc.constantFrom('keep', 'override', 'override', 'chain'),
  runtimes: fc.constantFrom('node', 'java', 'node,java'),
  'no-proxy': fc.constantFrom('.corp.example', '$(A),192.0.2.1'),
  'proxy-port': fc.constant('16400'),
  'log-level': fc.constantFrom('debug', 'warn'),
  'memory-limit': fc.constant('256Mi'),
  'cpu-request': fc.constant('20m'),
})

/** What an author gets wrong, now and then. */
const mistakes = fc.oneof(
  { weight: 9, arbitrary: fc.constant<Json>({}) },
  fc.constantFrom<Json>(
    { hots: 'x' },
    { duration: 'soon' },
    { containers: 'nobody' },
    { 'skip-containers': 'orders' },
    { inject: 'yes' },
  ),
)

const prefixed = (annotations: Json): Json =>
  Object.fromEntries(Object.entries(annotations).map(([name, text]) => [`outbound-jwt.io/${name}`, text]))

const foreign = partial({
  'prometheus.io/scrape': fc.constant('true'),
  'slash/and~tilde': fc.string(),
  'example.com/outbound-jwt.io': fc.constant('x'),
})

/** Annotations of a pod that asks. */
export const annotations = fc.tuple(partner, choices, mistakes, foreign).map(([who, what, wrong, others]) => {
  // With steering by hosts these two are mistakes.
  const rest = 'steering' in who && what['unmatched'] !== 'deny' ? ['unmatched', 'no-proxy'] : []
  const chosen = Object.fromEntries(Object.entries(what).filter(([name]) => !rest.includes(name)))
  return { ...others, ...prefixed({ inject: 'true', ...who, ...chosen, ...wrong }) }
})

const withAnnotations = (own: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.tuple(spec, own, fc.boolean()).map(([theSpec, theirs, isGenerated]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...(isGenerated ? { generateName: 'orders-' } : { name: 'orders' }), annotations: theirs },
    spec: theSpec,
  }))

/** A pod that asks to be injected. One whose proxy is to be chained has a proxy. */
export const askingPod = fc
  .tuple(withAnnotations(annotations), fc.constantFrom('HTTP_PROXY', 'https_proxy'))
  .map(([pod, name]): Json => {
    const [first] = list(at(pod, 'spec', 'containers'))
    if (first && at(pod, 'metadata', 'annotations', 'outbound-jwt.io/env-policy') === 'chain')
      first['env'] = [...list(first['env']), { name, value: 'http://p:1' }]
    return pod
  })

/** A pod with nothing of ours, its metadata perhaps absent or null. */
export const otherPod = fc
  .tuple(withAnnotations(foreign), fc.constantFrom('as it is', 'absent', 'null', 'null annotations'))
  .map(([pod, metadata]): Json => {
    if (metadata === 'as it is') return pod
    const { metadata: dropped, ...rest } = pod
    if (metadata === 'absent') return rest
    return { ...rest, metadata: metadata === 'null' ? null : { ...(dropped as Json), annotations: null } }
  })

/** Any JSON, with the names that hurt. */
export const hostileJson = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    JSON.parse('{"__proto__":{"containers":[]},"constructor":1,"toString":1,"hasOwnProperty":2,"length":-1}'),
    JSON.parse('[[[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]]]]'),
    Array.from({ length: 1000 }, () => ({ name: 'orders' })),
    { name: '\u0000\n\u2028', value: '$('.repeat(1000) },
  ),
)
