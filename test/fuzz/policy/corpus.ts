// Policies as people write them, and what they get wrong.
import { readFileSync } from 'node:fs'
import { parse, stringify } from 'yaml'
import { applyMutations, createMutations } from '../bytes.ts'
import type { Random } from '../random.ts'

const LISTS: Readonly<Record<string, readonly string[]>> = {
  namespaces: ['shop', 'shop-*', '*', 'reports', 's*p', '*-a', 's*-*a'],
  hosts: [
    ...['api.partner.example', '*.partner.example', '*', 'a*e', 'login.partner.example', '*.example', 'b.example'],
    ...[
      'sts.googleapis.com',
      '*.googleapis.com',
      'iamcredentials.googleapis.com',
      'vault.example',
      '**',
      '*.*.example',
    ],
  ],
  audiences: ['https://api.partner.example', 'https://*', '*', 'urn:a', 'urn:*:b', '*a*b*', 'é', 'https://*.example'],
  roleArns: ['arn:aws:iam::123456789012:role/shop', 'arn:aws:iam::123456789012:role/*', '*', 'arn:*:role/s*p'],
  sources: ['aws', 'kubernetes', '*', 'kube*', '*w*'],
  exchanges: ['oauth2', 'google', 'vault', 'entra', '*', 'o*', '*a*'],
  https: ['tunnel', 'intercept', '*', 'refuse', '*t*'],
}
const MISTAKES: readonly Readonly<Record<string, unknown>>[] = [
  ...[{ host: ['a.example'] }, { hosts: 'a.example' }, { hosts: [] }, { hosts: ['A.example'] }, { hosts: ['a:443'] }],
  ...[{ name: 5 }, { name: '' }, { name: 'a\nb' }, { namespaces: null }, { sources: ['aws-sts'] }, { https: [true] }],
  ...[{ exchanges: { entra: true } }, { audiences: [['*']] }, { roleArns: ['a b'] }, { namespaces: ['Shop'] }],
]

/** What one of the parsers, or a matcher of globs, stumbles over. */
const WORDS: readonly string[] = [
  ...[
    '*',
    '**',
    '?',
    '- ',
    ': ',
    '\n',
    '\r\n',
    '\t',
    '  ',
    '#',
    ' #',
    '---\n',
    '...\n',
    '&a ',
    '*a ',
    '<<: ',
    '!!str ',
  ],
  ...[
    "'",
    '"',
    '|\n',
    '>-\n',
    '{',
    '}',
    '[',
    ']',
    ',',
    '\0',
    '\ufeff',
    '\u2028',
    '\u0085',
    '\ud800',
    'é',
    '%YAML 1.1\n',
  ],
  ...['null', '~', 'true', 'yes', '0x10', '1_000', '.inf', '2001-01-01', '__proto__', 'constructor', "'*'", 'hosts: ['],
  ...[
    "hosts: ['*']\n",
    'rules:\n',
    'namespaces',
    '\\u002a',
    '"\\x2a"',
    '*'.repeat(200),
    '['.repeat(100),
    '- '.repeat(100),
  ],
]

const { data } = parse(readFileSync('manifests/examples/policy.yaml', 'utf8')) as {
  readonly data: Readonly<Record<string, string>>
}
const EXAMPLE = data['policy.yaml'] ?? ''

/** @returns the text of a policy: mostly allowed, generated or the example, in each style, each now and then garbled. */
export function createPolicyText(random: Random): string {
  const text = random.chance(0.2) ? EXAMPLE : written({ rules: createRules(random) }, random)
  if (random.chance(0.6)) return text
  if (random.chance(0.02)) return text.repeat(1 + random.below(300)).slice(0, 200_000)
  return applyMutations(text, createMutations(random, 3, WORDS))
}

function createRules(random: Random): readonly object[] {
  return Array.from({ length: 1 + random.below(4) }, (_, index): object => {
    const lists = Object.entries(LISTS)
      .filter(([name]) => name === 'namespaces' || random.chance(0.95))
      .map(([name, values]) => [
        name,
        random.chance(0.3) ? ['*'] : Array.from({ length: 1 + random.below(3) }, () => random.pick(values)),
      ])
    const rule = { name: `rule-${index}`, ...(Object.fromEntries(lists) as object) }
    return random.chance(0.03) ? { ...rule, ...random.pick(MISTAKES) } : rule
  })
}

function written(policy: object, random: Random): string {
  const plain = { aliasDuplicateObjects: false }
  switch (random.below(4)) {
    case 0:
      return JSON.stringify(policy)
    case 1:
      return stringify(policy, { ...plain, defaultStringType: 'QUOTE_SINGLE' })
    case 2:
      return stringify(policy, { ...plain, collectionStyle: 'flow' })
    default:
      return stringify(policy, plain)
  }
}
