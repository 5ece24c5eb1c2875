// What a policy grants, by other means than the product: another YAML parser, rules in turn, and globs by trying.
import { CORE_SCHEMA, load } from 'js-yaml'
import type { Random } from '../random.ts'

/** What one route of a pod asks for. */
export interface Asked {
  readonly namespace: string
  readonly hosts: readonly string[]
  /** Empty: that of each host. */
  readonly audience: readonly string[]
  readonly source: 'aws' | 'kubernetes'
  readonly https: 'refuse' | 'tunnel' | 'intercept'
  /** With source aws alone. */
  readonly roleArn?: string
  readonly exchange?: keyof typeof EXCHANGES
}

/** As a route has them, and the hosts of their token endpoints. */
const EXCHANGES = {
  oauth2: {
    written: { type: 'oauth2', tokenUrl: 'https://login.partner.example:8443/token', grant: 'token-exchange' },
    hosts: ['login.partner.example'],
  },
  google: {
    written: {
      type: 'google',
      audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws',
    },
    hosts: ['sts.googleapis.com'],
  },
  vault: { written: { type: 'vault', address: 'https://vault.example', role: 'orders' }, hosts: ['vault.example'] },
  entra: {
    written: {
      preset: 'entra',
      tenantId: 'contoso.example',
      clientId: 'orders',
      scope: 'https://graph.example/.default',
      tokenUrl: 'https://b.example/token',
    },
    hosts: ['b.example'],
  },
} as const

const HOSTS = ['api.partner.example', 'x.api.partner.example', '*.partner.example', 'b.example', '*.a.example', 'ae.co']
const AUDIENCES = ['https://api.partner.example', 'urn:a', 'urn:x:b', 'https://b.example', 'a-b', 'é']

/** @returns a route that is allowed, whether or not a policy grants it. */
export function createAsked(random: Random): Asked {
  const source = random.chance(0.8) ? 'aws' : 'kubernetes'
  const exchange = random.chance(0.3) ? random.pick(['oauth2', 'google', 'vault', 'entra'] as const) : undefined
  // A projected token has one audience, and so has one for Entra.
  const audiences = source === 'kubernetes' || exchange !== undefined ? 1 : random.below(3)
  return {
    namespace: random.pick(['shop', 'shop-a', 'reports', 'sp', 'default', 's-a']),
    hosts: unique(1 + random.below(2), () => random.pick(HOSTS)),
    audience: unique(audiences, () => random.pick(AUDIENCES)),
    source,
    https: random.pick(['refuse', 'refuse', 'tunnel', 'intercept'] as const),
    ...(source === 'aws' &&
      random.chance(0.3) && { roleArn: `arn:aws:iam::123456789012:role/${random.pick(['shop', 'soup', 'other'])}` }),
    ...(exchange !== undefined && { exchange }),
  }
}

const unique = (most: number, make: () => string): readonly string[] => [...new Set(Array.from({ length: most }, make))]

/** @returns a pod that asks for it. */
export function podOf({ hosts, audience, source, https, roleArn, exchange }: Asked): unknown {
  const route = {
    hosts: hosts.map((host) => `${host}:8443`),
    ...(audience.length > 0 && { audience }),
    ...(source === 'kubernetes' && { source }),
    https,
    ...(exchange !== undefined && { exchange: EXCHANGES[exchange].written }),
  }
  const annotations = {
    'outbound-jwt.io/inject': 'true',
    'outbound-jwt.io/routes': JSON.stringify([route]),
    ...(roleArn !== undefined && { 'outbound-jwt.io/role-arn': roleArn, 'outbound-jwt.io/region': 'eu-central-1' }),
  }
  return { metadata: { annotations }, spec: { containers: [{ name: 'orders', image: 'orders:1' }] } }
}

export type Rule = Readonly<Record<string, readonly string[]>>

/** YAML 1.2.2 §5.1; the other parser refuses them anywhere. */
const NON_PRINTABLE = /[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u

/** @returns the rules of a policy that was taken; undefined for one that only this parser refuses, with a character that YAML forbids. */
export function readRules(text: string): readonly Rule[] | undefined {
  if (NON_PRINTABLE.test(text)) return undefined
  // JSON keeps the last of two members of a name; YAML has no such document.
  const { rules } = (isJson(text) ? JSON.parse(text) : load(text, { schema: CORE_SCHEMA })) as {
    readonly rules: Rule[]
  }
  return rules
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Whether one rule of the namespace has all of it. */
export function isGranted(asked: Asked, rules: readonly Rule[]): boolean {
  const { namespace, hosts, audience, source, https, roleArn, exchange } = asked
  const wanted: Readonly<Record<string, readonly string[]>> = {
    namespaces: [namespace],
    hosts: [...hosts, ...(exchange === undefined ? [] : EXCHANGES[exchange].hosts)],
    audiences: audience.length > 0 ? audience : hosts.map((host) => `https://${host}`),
    sources: [source],
    exchanges: exchange === undefined ? [] : [exchange],
    https: https === 'refuse' ? [] : [https],
    roleArns: roleArn === undefined ? [] : [roleArn],
  }
  return rules.some((rule) =>
    Object.entries(wanted).every(([list, values]) =>
      values.every((value) => (rule[list] ?? []).some((pattern) => isLike(value, pattern))),
    ),
  )
}

/** `*` stands for any characters or none: follows every way to match at once. */
function isLike(text: string, pattern: string): boolean {
  let ends = new Set([0])
  for (const unit of pattern.split(''))
    ends = new Set(
      unit === '*'
        ? Array.from({ length: text.length + 1 }, (_, at) => at).slice(Math.min(...ends, text.length + 1))
        : [...ends].filter((at) => text[at] === unit).map((at) => at + 1),
    )
  return ends.has(text.length)
}
