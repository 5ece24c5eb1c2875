// What authors write into each annotation, and what parsers stumble over.
import type { Random } from '../random.ts'
import { applyMutations, createMutations } from '../bytes.ts'
import { createRoutesText } from './routes.ts'

/** Values that are allowed, per annotation. `routes` has a grammar of its own. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  inject: ['true', 'enabled', 'true', 'enabled', 'false', 'disabled'],
  hosts: [
    'api.partner.example',
    '*.partner.example',
    'API.Partner.Example.',
    'a.example:8443, *.b.example:443 , c.example',
    'xn--bcher-kva.example,billing.finance.svc',
    '*.a.b.example:0443,x.a.b.example:1',
  ],
  audience: [
    'https://api.partner.example',
    'https://A.partner.example:8443/path?q#f , https://b.partner.example',
    'urn:partner:orders,$(B),a b',
    'https://a.example,https://a.example/2',
  ],
  duration: ['15m', '900s', '900', '1h', '60', '3600s'],
  'signing-algorithm': ['RS256', 'ES384'],
  tags: ['team=orders', 'a=,b=c=d,C=é', 'k=$(HOME)'],
  https: ['refuse', 'tunnel', 'intercept'],
  'role-arn': ['arn:aws:iam::123456789012:role/orders', 'arn:aws-cn:iam::123456789012:role/a/b+c=d,e.f@g-h'],
  region: ['eu-central-1', 'us-gov-west-1'],
  containers: ['orders', 'orders,metrics'],
  'skip-containers': ['metrics', 'orders'],
  unmatched: ['passthrough', 'deny'],
  'no-proxy': ['.corp.example', '$(A),192.0.2.0/24,[fd00::1]', 'api.partner.example', '*'],
  'extra-ca': ['corporate-ca/ca.crt', 'a.b/..x'],
  'env-policy': ['refuse', 'keep', 'override', 'chain'],
  runtimes: ['node', 'java', 'node,java'],
  'proxy-port': ['15400', '16400', '15402', '1024', '65535'],
  'admin-port': ['15401', '16401', '15400'],
  'log-level': ['error', 'warn', 'info', 'debug'],
  'cpu-request': ['10m', '0.1', '1e-2'],
  'cpu-limit': ['1', '100m', '5m'],
  'memory-request': ['64Mi', '1Gi', '100000k'],
  'memory-limit': ['128Mi', '96Mi', '1e9', '95Mi'],
}
const NAMES = Object.keys(VALUES)

/** Pieces that mean something to one of the parsers, or to what reads the result: YAML, JSON, a kubelet, a resolver. */
export const WORDS: readonly string[] = [
  ...[',', ',,', ':', '.', '..', '*', '*.', '/', '?', '#', '@', '\\', '=', '-', '$', '$$', '$(A)', '$(', '%00', ' '],
  ...['\n', '\r\n', '\t', '\0', '\u2028', '\ufeff', '\ud800', 'é', 'ı', 'K', '。', '１', '\u00ad', '\u200b', '\u202e'],
  ...['localhost', '127.1', '0x7f.1', '[::1]', '169.254.169.254', 'xn--', ':443', ':0', ':65536', ':08443', '.svc'],
  ...['__proto__', 'constructor', 'true', 'null', '~', '0x10', '0o7', '1_000', '1e3', '.inf', '2001-01-01'],
  ...[
    '- ',
    '? ',
    ': ',
    '#',
    '---\n',
    '...\n',
    '&a ',
    '*a',
    '<<: ',
    '!!str ',
    '!x ',
    '%YAML 1.1\n',
    '|\n',
    '>-\n',
    "'",
    '"',
  ],
  ...['{', '}', '[', ']', '{a: ', '[[[[[[[[[[', '\\u0000', '\\ud800', 'hosts: [evil.example]', 'evil.example'],
  ...['a'.repeat(300), 'x.'.repeat(130), ','.repeat(300), '- '.repeat(200)],
]

/** @returns annotations of ours as a pod carries them: mostly allowed, each now and then garbled. */
export function createAnnotations(random: Random): Record<string, string> {
  const names = new Set(Array.from({ length: random.below(5) }, () => random.pick(NAMES)))
  if (random.chance(0.95)) names.add('inject')
  // More than one way to name partners is an error, and soon found.
  const how = random.pick(['hosts', 'hosts', 'audience', 'both', 'routes', 'routes', 'routes', 'any'])
  const partners = how === 'both' ? ['hosts', 'audience'] : [how]
  if (how !== 'any') for (const name of ['hosts', 'audience']) names.delete(name)
  if (how === 'routes' && random.chance(0.95))
    for (const name of ['duration', 'signing-algorithm', 'tags', 'https']) names.delete(name)
  const written = [...names, ...(how === 'any' ? [] : partners)].map((name) => [
    nameOf(name, random),
    valueOf(name, random),
  ])
  return Object.fromEntries(written) as Record<string, string>
}

const nameOf = (name: string, random: Random): string =>
  `outbound-jwt.io/${random.chance(0.99) ? name : applyMutations(name, createMutations(random, 1, WORDS))}`

function valueOf(name: string, random: Random): string {
  const value = name === 'routes' ? createRoutesText(random) : random.pick(VALUES[name] ?? [''])
  if (name === 'inject' && random.chance(0.95)) return random.pick(['true', 'enabled'])
  if (random.chance(0.9)) return value
  const joined = random.chance(0.2) ? `${value},${random.pick(VALUES[random.pick(NAMES)] ?? [''])}` : value
  return random.chance(0.03)
    ? joined.repeat(1 + random.below(3_000)).slice(0, 70_000)
    : applyMutations(joined, createMutations(random, 3, WORDS))
}
