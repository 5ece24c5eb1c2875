import { stringify } from 'yaml'
import type { Random } from '../random.ts'

const HOSTS = [
  'api.partner.example',
  '*.partner.example',
  'B.Example:8443',
  '*.b.example.',
  'c.svc',
  'd.example:443',
  'e.example',
]

/** Fields of a route as authors write them, and the mistakes they make. */
const FIELDS: Readonly<Record<string, readonly unknown[]>> = {
  audience: [['https://x.example'], ['urn:a', '$(B)'], [], 'https://x.example', ['${x}', '\ud83d\ude00'], [1]],
  duration: ['15m', 300, '3600', '1h', 61.5, '0x40', true],
  signingAlgorithm: ['RS256', 'ES384', 'none', 'HS256'],
  tags: [{ team: 'orders' }, { a: '' }, { A: '1', a: '2' }, { build: 42 }, {}, { ['__proto__']: 'x' }],
  header: [
    { name: 'X-Partner-Token', scheme: '' },
    { name: 'Authorization' },
    { name: 'Host' },
    { scheme: 'JWT' },
    { name: 'X\r\nY' },
  ],
  onExisting: ['replace', 'keep', 'reject', 'drop'],
  https: ['refuse', 'tunnel', 'intercept'],
  ca: [
    { configMap: 'partner-ca', key: 'ca.crt' },
    { configMap: 'partner-ca', key: 'b.pem' },
    { configMap: '../x', key: '..' },
  ],
  clientCertificate: [{ secret: 'partner-client' }, { secret: 'Partner' }, { secret: 'a', key: 'tls.key' }, 'a'],
  host: ['evil.example'],
  caFile: ['/etc/passwd'],
  name: ['orders'],
}
const RIGHT = [
  'audience',
  'duration',
  'signingAlgorithm',
  'tags',
  'header',
  'onExisting',
  'https',
  'ca',
  'clientCertificate',
]

/** @returns the `routes` annotation: flow or block YAML, or JSON. */
export function createRoutesText(random: Random): string {
  const used = new Set<string>()
  const routes = Array.from({ length: 1 + random.below(3) }, () => createRoute(random, used))
  const style = random.below(4)
  if (style === 0) return JSON.stringify(routes)
  if (style === 1) return stringify(routes, { defaultStringType: 'QUOTE_SINGLE', aliasDuplicateObjects: false })
  if (style === 2) return stringify(routes, { collectionStyle: 'flow', aliasDuplicateObjects: false })
  return stringify(routes, { aliasDuplicateObjects: false })
}

function createRoute(random: Random, used: Set<string>): Record<string, unknown> {
  const hosts = Array.from({ length: 1 + random.below(3) }, () => random.pick(HOSTS)).filter(
    (host) => !used.has(host) || random.chance(0.02),
  )
  for (const host of hosts) used.add(host)
  const fields = Array.from({ length: random.below(4) }, () =>
    random.pick(random.chance(0.97) ? RIGHT : Object.keys(FIELDS)),
  )
  const values = fields.map((name): readonly [string, unknown] => {
    const choices = FIELDS[name] ?? []
    return [name, random.chance(0.9) ? choices[random.below(Math.min(2, choices.length))] : random.pick(choices)]
  })
  return { ...(hosts.length > 0 ? { hosts: [...new Set(hosts)] } : {}), ...Object.fromEntries<unknown>(values) }
}
