// The three rings of the architecture (docs/how-it-works.md) are enforced here: a pure core, adapters that each own one library, and a shell.
import js from '@eslint/js'
import tseslint from 'typescript-eslint'

/** Library → the only source files that may import its values. Types may be imported anywhere. */
const ADAPTERS = {
  '@aws-sdk/*': ['proxy/src/tokens/sources/aws/sts.ts'],
  jose: ['proxy/src/doctor/signature.ts', 'proxy/src/tokens/jwt.ts'],
  oauth4webapi: ['proxy/src/tokens/exchanges/oauth2.ts'],
  'prom-client': ['proxy/src/runtime/metrics.ts'],
  winston: ['proxy/src/runtime/logger.ts'],
  express: ['webhook/src/http/app.ts'],
  '@kubernetes/client-node': ['webhook/src/kube/*.ts'],
  // After the client of Kubernetes, in whose folder one of its files is.
  undici: [
    'proxy/src/http/outbound/{undici-forwarder,connection,upstream,upstreams,token-endpoints}.ts',
    'proxy/src/http/outbound/undici.d.ts',
    'webhook/src/kube/request.ts',
  ],
  '@peculiar/x509': ['webhook/src/certificates/certificate.ts', 'proxy/src/authority/x509.ts'],
  yaml: [
    'webhook/src/injection/annotations/yaml.ts',
    'webhook/src/cli/manifests/manifests.ts',
    'webhook/src/cli/manifests/kubernetes-yaml.ts',
  ],
  diff: ['webhook/src/cli/manifests/diff.ts'],
}

/** What does I/O, looks at a clock or owns a library: whole folders, and single files of folders that else compute. */
const ADAPTERS_AND_SHELL = [
  ...Object.values(ADAPTERS).flat(),
  'proxy/src/{flags,proxy}.ts',
  'proxy/src/authority/authority.ts',
  'proxy/src/doctor/{interception,partner}.ts',
  'proxy/src/http/{inbound,outbound,telemetry,tunnel}/**/*.ts',
  'proxy/src/runtime/{files,http-server,key-pair,listen}.ts',
  'proxy/src/steering/name-servers.ts',
  'proxy/src/tokens/time.ts',
  'webhook/src/{config,main}.ts',
  'webhook/src/certificates/anchors.ts',
  'webhook/src/cli/arguments.ts',
  'webhook/src/http/**/*.ts',
]

/** Process entry points: the only files that may touch `process`. */
const ENTRY_POINTS = [
  'proxy/src/main.ts',
  'proxy/src/probe.ts',
  'proxy/src/doctor.ts',
  'webhook/src/main.ts',
  'webhook/src/cli/main.ts',
]

/** @param {string[]} libraries @param {object[]} [extra] */
const restrictImports = (libraries, extra = []) => [
  'error',
  {
    patterns: [
      ...libraries.map((library) => ({
        group: [library, `${library}/*`],
        allowTypeImports: true,
        message: `Only ${ADAPTERS[library].join(', ')} may use ${library}: one adapter per library.`,
      })),
      ...extra,
    ],
  },
]
const everyLibrary = Object.keys(ADAPTERS)
const pureImports = [
  { group: ['node:*', '!node:crypto'], allowTypeImports: true, message: 'The pure core does no I/O.' },
]
const webhookImports = [
  {
    regex: '^@aws-outbound-jwt-injector/proxy(?!/(contract|reference|runtime)$)|^(\\.\\./)+proxy/',
    message:
      'The webhook imports three things of the proxy: its contract, its runtime and, for the command line, its reference.',
  },
]
const clock = [
  { object: 'Date', property: 'now', message: 'Time arrives as an argument.' },
  { object: 'performance', property: 'now', message: 'Time arrives as an argument.' },
  { object: 'Math', property: 'random', message: 'Randomness arrives as an argument.' },
]
const processGlobal = {
  name: 'process',
  message: 'Only entry points touch the process; pass what you need as an argument.',
}

export default tseslint.config(
  { ignores: ['**/dist/', '.tsc/', 'coverage/', '.demo/', 'test/bench/results/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
  },
  {
    files: ['**/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      // Methods are called on their objects; none is handed on by itself.
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': ['error', 300],
      'max-params': ['error', 5],
      'max-depth': ['error', 3],
      complexity: ['error', 12],
      'no-console': 'error',
      eqeqeq: 'error',
    },
  },
  {
    files: ['proxy/src/**/*.ts'],
    rules: {
      'no-restricted-imports': 'off',
      '@typescript-eslint/no-restricted-imports': restrictImports(everyLibrary),
      'no-restricted-globals': ['error', processGlobal],
    },
  },
  {
    files: ['webhook/src/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(everyLibrary, webhookImports),
      'no-restricted-globals': ['error', processGlobal],
    },
  },
  ...everyLibrary.map((library) => ({
    files: ADAPTERS[library],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(
        everyLibrary.filter((other) => other !== library),
        ADAPTERS[library].every((file) => file.startsWith('webhook/')) ? webhookImports : [],
      ),
    },
  })),
  {
    // The pure core is everything else, so that a new file belongs to it until somebody says why not.
    files: ['proxy/src/**/*.ts', 'webhook/src/**/*.ts'],
    ignores: [...ENTRY_POINTS, ...ADAPTERS_AND_SHELL],
    rules: {
      '@typescript-eslint/no-restricted-imports': restrictImports(everyLibrary, [...pureImports, ...webhookImports]),
      'no-restricted-properties': ['error', ...clock],
    },
  },
  {
    // The client's types of Kubernetes objects are classes of plain fields; what goes into a patch is plain JSON of that shape.
    files: ['webhook/src/injection/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  { files: ENTRY_POINTS, rules: { 'no-restricted-globals': 'off' } },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-restricted-imports': restrictImports(
        [],
        [{ group: ['sinon', 'nock', 'testdouble'], message: 'Fakes live in test/support.' }],
      ),
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly', Buffer: 'readonly' } },
  },
)
