import { VERSION, show } from '@aws-outbound-jwt-injector/proxy/contract'
import type { Problem } from '@aws-outbound-jwt-injector/proxy/contract'
import { SettingsError, readSettings } from '@aws-outbound-jwt-injector/proxy/runtime'
import type { JsonObject } from '../../injection/pod/json.ts'
import { isObject, member, objectAt, textAt } from '../../injection/pod/json.ts'
import { PREFIX } from '../../injection/annotations/raw-annotations.ts'
import type { Policy } from '../../injection/policy/policy.ts'
import { createPolicy } from '../../injection/policy/policy.ts'
import { readPolicyRules } from '../../injection/policy/rules.ts'
import type { InjectionSettings } from '../../injection/settings.ts'
import { settingsProblems } from '../../injection/settings.ts'
import { SIDECAR_SETTINGS, injectionSettings } from '../../sidecar-settings.ts'
import { follow } from '../../injection/workload/path.ts'
import { UsageError } from '../usage.ts'

/** Variable of the webhook → value of the chart that sets it, and what `null` there means. */
const VALUES: Readonly<Record<string, { readonly path: readonly string[]; readonly none: string }>> = {
  PROXY_IMAGE_PULL_POLICY: { path: ['sidecar', 'image', 'pullPolicy'], none: '' },
  PROXY_IMAGE_PULL_SECRETS: { path: ['sidecar', 'imagePullSecrets'], none: '' },
  SIDECAR_RUN_AS_USER: { path: ['sidecar', 'securityContext', 'runAsUser'], none: 'null' },
  SIDECAR_CPU_REQUEST: { path: ['sidecar', 'resources', 'requests', 'cpu'], none: 'none' },
  SIDECAR_CPU_LIMIT: { path: ['sidecar', 'resources', 'limits', 'cpu'], none: 'none' },
  SIDECAR_MEMORY_REQUEST: { path: ['sidecar', 'resources', 'requests', 'memory'], none: 'none' },
  SIDECAR_MEMORY_LIMIT: { path: ['sidecar', 'resources', 'limits', 'memory'], none: 'none' },
  SIDECAR_EXTRA_ENV: { path: ['sidecar', 'extraEnv'], none: '' },
  SIDECAR_LIVENESS: { path: ['sidecar', 'liveness'], none: '' },
  DEFAULT_REGION: { path: ['sidecar', 'region'], none: '' },
  DEFAULT_HTTPS: { path: ['injection', 'https'], none: '' },
  DEFAULT_STEERING: { path: ['injection', 'steering'], none: '' },
  DEFAULT_EGRESS_PROXY: { path: ['injection', 'egressProxy'], none: '' },
  DEFAULT_EGRESS_PROXY_SECRET: { path: ['injection', 'egressProxySecret'], none: '' },
  DEFAULT_ANNOTATIONS: { path: ['namespaceOptIn', 'defaults'], none: '' },
  KNOWN_SIDECARS: { path: ['sidecar', 'knownSidecars'], none: '' },
}

/** Values of the same sections that have no variable: they are read here, or matter in a cluster only. */
const OTHERS = [
  'sidecar.image.registry',
  'sidecar.image.repository',
  'sidecar.image.tag',
  'sidecar.image.digest',
  'namespaceOptIn.enabled',
  'namespaceOptIn.failurePolicy',
  'namespaceOptIn.withoutRole',
]
const KNOWN = [...Object.values(VALUES).map(({ path }) => path.join('.')), ...OTHERS]
/** What decides about pods; the rest of the chart's values says nothing here. */
const SECTIONS = ['sidecar', 'injection', 'namespaceOptIn']

/** A name that the chart does not have stops helm; here its value would silently not count. */
function unknownValues(value: JsonObject, place: string): readonly Problem[] {
  return Object.entries(value).flatMap(([name, item]): readonly Problem[] => {
    const path = place === '' ? name : `${place}.${name}`
    if (place === '' && !SECTIONS.includes(name)) return []
    if (KNOWN.includes(path)) return []
    const siblings = KNOWN.filter((known) => known.startsWith(`${path}.`))
    if (siblings.length > 0) return isObject(item) ? unknownValues(item, path) : []
    const names = new Set(KNOWN.flatMap((known) => (known.startsWith(`${place}.`) ? [known.slice(place.length + 1).split('.', 1).join('')] : [])))
    return [{ where: path, value: show(item), allowed: `one of ${[...names].join(', ')} below ${place}` }]
  })
}

/** What a cluster's operator decided, as far as it matters offline. */
export interface OperatorValues {
  readonly settings: InjectionSettings
  /** Whether labels of namespaces count. */
  readonly namespaceOptIn: boolean
  /** undefined without rules. */
  readonly policy: Policy | undefined
}

/** Reads the chart's values; what they leave out is as the chart has it. @throws UsageError naming every wrong value. */
export function readValues(values: unknown): OperatorValues {
  const root = isObject(values) ? values : {}
  const unknown = unknownValues(root, '')
  if (unknown.length > 0) throw unusable(unknown)
  const environment = Object.fromEntries(
    Object.entries(VALUES).map(([variable, { path, none }]) => [variable, textOf(valueAt(root, path), none)]),
  )
  const image = imageOf(follow(root, ['sidecar', 'image']))
  const settings = injectionSettings(readTable({ ...environment, PROXY_IMAGE: image }))
  const contradictions = settingsProblems(settings).map((problem) => ({ ...problem, where: placeOf(problem.where) }))
  if (contradictions.length > 0) throw unusable(contradictions)
  return {
    settings,
    namespaceOptIn: member(objectAt(root, 'namespaceOptIn'), 'enabled') === true,
    policy: readPolicy(valueAt(root, ['policy', 'rules'])),
  }
}

/** As the chart does, which makes no policy of an empty list. */
function readPolicy(rules: unknown): Policy | undefined {
  const where = 'policy.rules'
  if (rules === undefined || rules === null) return undefined
  if (!Array.isArray(rules)) throw unusable([{ where, value: show(rules), allowed: 'a list of rules' }])
  if (rules.length === 0) return undefined
  const problems: Problem[] = []
  const read = readPolicyRules(rules, where, (problem) => problems.push(problem))
  if (!read) throw unusable(problems)
  return createPolicy(read)
}

function readTable(
  environment: Readonly<Record<string, string>>,
): ReturnType<typeof readSettings<typeof SIDECAR_SETTINGS>> {
  try {
    return readSettings(SIDECAR_SETTINGS, environment)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw unusable(
      error.problems.map((problem) => ({ ...problem, where: VALUES[problem.where]?.path.join('.') ?? problem.where })),
    )
  }
}

/** Settings name a default by its annotation, and the least memory by its setting. */
function placeOf(where: string): string {
  if (where === 'resources.memoryLimit') return 'sidecar.resources.limits.memory'
  if (where.startsWith('extraEnv')) return `sidecar.${where}`
  return where.startsWith(PREFIX) ? `namespaceOptIn.defaults: ${where}` : where
}

const unusable = (problems: readonly Problem[]): UsageError => new UsageError(...new SettingsError(problems).message.split('\n'))

function valueAt(root: JsonObject, path: readonly string[]): unknown {
  return member(follow(root, path.slice(0, -1)), path.at(-1) ?? '')
}

/** @returns a value as its variable has it; empty for the default. */
function textOf(value: unknown, none: string): string {
  if (value === undefined) return ''
  if (value === null) return none
  if (Array.isArray(value))
    return value.map((item: unknown) => (isObject(item) ? (textAt(item, 'name') ?? '') : String(item))).join(',')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** As the chart puts it together. */
function imageOf(image: JsonObject): string {
  const registry = textAt(image, 'registry') ?? 'ghcr.io'
  const repository = textAt(image, 'repository') ?? 'aws-outbound-jwt-injector/proxy'
  const name = registry === '' ? repository : `${registry}/${repository}`
  const digest = textAt(image, 'digest') ?? ''
  return digest === '' ? `${name}:${textAt(image, 'tag') || VERSION}` : `${name}@${digest}`
}
