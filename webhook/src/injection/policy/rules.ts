import type { FieldParser, Parsed, Parser, Problem, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import {
  EXCHANGE_TYPE_NAMES,
  HTTPS_POLICIES,
  PRESET_NAMES,
  accepted,
  isRecord,
  listField,
  parseJson,
  refused,
  rejectUnknown,
  show,
  stringField,
} from '@aws-outbound-jwt-injector/proxy/contract'
import { parseYaml } from '../annotations/yaml.ts'
import { compileGlob } from './glob.ts'

/** Far more than a rule for a namespace has. */
const MOST_ITEMS = 1000
/** A ConfigMap holds 1 MiB, about 5,000 rules. */
const MOST_TOKENS = 1_000_000

const form =
  (pattern: RegExp, allowed: string): Parser<string> =>
  (value) =>
    pattern.test(value) ? accepted(value) : refused(`${allowed}; * stands for any characters`)

/** One of a closed set, or a glob that at least one of them matches, so that a misspelt word is found. */
const word =
  (words: readonly string[]): Parser<string> =>
  (value) =>
    words.some(compileGlob(value))
      ? accepted(value)
      : refused(`one of ${words.join(', ')}; * stands for any characters`)

interface PolicyField {
  readonly parse: FieldParser<readonly string[]>
  readonly doc: string
  readonly example: string
}

const list = (parse: Parser<string>, example: string, doc: string): PolicyField => ({
  parse: listField(parse, 1, MOST_ITEMS),
  example,
  doc,
})

/** Lists of a rule, in the order of the docs. All but `namespaces` say what they grant; one that is missing grants nothing. */
export const POLICY_FIELDS = {
  namespaces: list(
    form(/^[a-z0-9*-]{1,63}$/, 'the name of a namespace'),
    "[shop, 'shop-*']",
    'Namespaces that the rule is for. Required.',
  ),
  hosts: list(
    form(/^[a-z0-9*.-]{1,253}$/, 'a host in lower case, without a port'),
    "[api.partner.example, '*.eu.partner.example']",
    'Hosts that may get a token, and hosts of token endpoints. Ports do not count. A wildcard of a pod needs a glob that is at least as wide.',
  ),
  audiences: list(
    form(/^\P{Cc}{1,1000}$/u, 'an audience of 1 to 1000 characters'),
    "['https://api.partner.example']",
    'Audiences of tokens. A route that names none asks for `https://<host>`.',
  ),
  roleArns: list(
    form(/^[\w+=,.@:/*-]{1,2048}$/, 'the ARN of an IAM role'),
    "['arn:aws:iam::123456789012:role/shop-*']",
    'Roles that `role-arn` of a pod may name. A pod without `role-arn` is not held to this list: its role comes from its service account.',
  ),
  sources: list(word(['aws', 'kubernetes']), '[aws]', 'Where tokens may come from: `aws`, `kubernetes`.'),
  exchanges: list(
    word([...PRESET_NAMES, ...EXCHANGE_TYPE_NAMES]),
    '[entra, oauth2]',
    'What tokens may be exchanged for: names of presets, or `oauth2`, `google`, `vault`. The host of the token endpoint must be in `hosts`.',
  ),
  https: list(
    word(HTTPS_POLICIES),
    '[intercept]',
    'What may happen to `https://` URLs: `tunnel`, `intercept`. `refuse` needs no grant.',
  ),
} as const satisfies Readonly<Record<string, PolicyField>>

export type PolicyFieldName = keyof typeof POLICY_FIELDS
const FIELD_NAMES = Object.keys(POLICY_FIELDS) as readonly PolicyFieldName[]

/** A rule as its author wrote it; an absent list is empty. */
export type PolicyRule = { readonly name: string } & Readonly<Record<PolicyFieldName, readonly string[]>>

const ruleName: Parser<string> = (value) =>
  /^[\w.:/ -]{1,100}$/.test(value) ? accepted(value) : refused('1 to 100 letters, digits, spaces or ._:/-')

/**
 * Parses the text of a policy: YAML with `rules`.
 * @returns undefined when anything was reported.
 */
export function parsePolicyRules(text: string, where: string, report: Report): readonly PolicyRule[] | undefined {
  const parsed = parseText(text)
  const value = parsed.ok ? parsed.value : undefined
  // SECURITY: an empty policy would be one that grants nothing or everything, depending on who reads it.
  if (!isRecord(value) || !Array.isArray(value['rules']) || value['rules'].length === 0) {
    const allowed = 'rules: with a list of at least one rule'
    report({ where, value: text, allowed: parsed.ok ? allowed : parsed.allowed })
    return undefined
  }
  const problems: Problem[] = []
  const complain: Report = (problem) => problems.push(problem)
  rejectUnknown(value, ['rules'], where, complain)
  const rules = readPolicyRules(value['rules'], `${where} rules`, complain)
  problems.forEach(report)
  return problems.length === 0 ? rules : undefined
}

/**
 * Reads the rules of a policy.
 * @param where they stand, for reports.
 * @returns undefined when anything was reported.
 */
export function readPolicyRules(
  entries: readonly unknown[],
  where: string,
  report: Report,
): readonly PolicyRule[] | undefined {
  const problems: Problem[] = []
  const complain: Report = (problem) => problems.push(problem)
  const names = new Set<string>()
  const rules = entries.flatMap((entry, index): readonly PolicyRule[] => {
    const rule = parseRule(entry, `${where}[${index}]`, complain)
    if (rule && names.has(rule.name))
      complain({ where: `${where}[${index}].name`, value: rule.name, allowed: 'a name that no other rule has' })
    if (rule) names.add(rule.name)
    return rule ? [rule] : []
  })
  problems.forEach(report)
  return problems.length === 0 ? rules : undefined
}

/** JSON is YAML, too, and the chart writes it: read as such, thousands of rules take milliseconds and not seconds. */
const parseText = (text: string): Parsed<unknown> => parseJson(text) ?? parseYaml(text, MOST_TOKENS)

function parseRule(entry: unknown, where: string, report: Report): PolicyRule | undefined {
  if (!isRecord(entry)) {
    report({ where, value: show(entry), allowed: `a mapping with name, ${FIELD_NAMES.join(', ')}` })
    return undefined
  }
  rejectUnknown(entry, ['name', ...FIELD_NAMES], where, report)
  const name = stringField(ruleName)(entry['name'], `${where}.name`, report)
  const lists = FIELD_NAMES.map((field) => {
    const value = entry[field]
    if (value === undefined && field !== 'namespaces') return [field, []] as const
    return [field, POLICY_FIELDS[field].parse(value, `${where}.${field}`, report) ?? []] as const
  })
  return name === undefined
    ? undefined
    : { name, ...(Object.fromEntries(lists) as Record<PolicyFieldName, readonly string[]>) }
}
