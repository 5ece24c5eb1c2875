import type { V1Container, V1EnvVar } from '@kubernetes/client-node'
import type { Problem, Report } from '@aws-outbound-jwt-injector/proxy/contract'
import { VARIABLES, parseRoutes, parseTokenFiles, withoutSecrets } from '@aws-outbound-jwt-injector/proxy/contract'
import { referencesOf } from '../application/environment-edits.ts'
import type { Refusals } from '../outcome.ts'
import type { JsonPatchOperation } from '../patch.ts'
import { appendTo, setMember } from '../patch.ts'
import { isAmong, isSame } from '../pod/additions.ts'
import type { JsonObject } from '../pod/json.ts'
import { contains, isEqual, listAt, member, objectAt, objectsAt, textAt } from '../pod/json.ts'
import type { Container, Variable } from '../pod/pod.ts'
import { placeOf, pointerOf, variablesOf } from '../pod/pod.ts'
import { AWS_VARIABLES, CREDENTIAL_VARIABLES, HARMLESS_PREFIXES } from './sidecar-variables.ts'
import { FOREIGN_MOUNT_PATHS } from './volumes.ts'

/** SECURITY: by each of them another program, or ours with other settings, would run with the pod's role. Injection sets none. */
const NEVER_SET = ['command', 'args', 'envFrom', 'lifecycle', 'workingDir', 'volumeDevices'] as const

const PROBES = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const

/** Variables whose text may differ from version to version and mean the same. */
const MEANINGS: ReadonlyMap<string, (text: string) => unknown> = new Map([
  [VARIABLES.routes, meaningOf(parseRoutes)],
  [VARIABLES.tokenFiles, meaningOf(parseTokenFiles)],
])

/** What EKS's hook, or whoever else brings credentials, sets where injection does not. */
const FOREIGN_VARIABLES: ReadonlySet<string> = new Set([
  AWS_VARIABLES.roleArn,
  AWS_VARIABLES.webIdentityTokenFile,
  AWS_VARIABLES.region,
  AWS_VARIABLES.stsRegionalEndpoints,
  ...CREDENTIAL_VARIABLES,
])

interface Wanted {
  readonly sidecar: V1Container
  /** Variables whose value the operator chooses, for pods that were injected before the choice as well. */
  readonly operatorVariables: ReadonlySet<string>
}

/**
 * Compares the sidecar of an injected pod with what an injection would give it now.
 * What is missing is put back: injectors built on old types drop what they do not know. What is different or too much is refused.
 * Image, pull policy and resources are not compared: clusters mirror images, and quotas and autoscalers change the others.
 * Source: https://github.com/aws/amazon-eks-pod-identity-webhook/issues/208
 * @returns what puts back.
 */
export function compareSidecar(
  container: Container,
  wanted: Wanted,
  refusals: Refusals,
): readonly JsonPatchOperation[] {
  const { raw } = container
  const pointer = pointerOf(container)
  const sidecar = wanted.sidecar as unknown as JsonObject
  const refuse = (part: string, value: string, allowed: string): void => {
    const problem: Problem = { where: `${placeOf(container)}.${part}`, value, allowed }
    refusals.report('forged-injection', problem)
  }
  for (const name of NEVER_SET)
    if (!isEmpty(member(raw, name))) refuse(name, 'a value', `no ${name}: injection sets none`)
  for (const name of PROBES) {
    const exec = member(objectAt(raw, name), 'exec') ?? undefined
    if (exec !== undefined && !contains(exec, member(objectAt(sidecar, name), 'exec') ?? null))
      refuse(`${name}.exec`, 'another command', 'the probe that injection sets, or none that runs a command')
  }
  if (!['Always', undefined, null].includes(raw['restartPolicy'] as string | undefined | null))
    refuse('restartPolicy', String(raw['restartPolicy']), 'Always')
  return [
    ...['restartPolicy', 'startupProbe'].flatMap((name) =>
      (member(raw, name) ?? null) === null ? [setMember(raw, pointer, name, sidecar[name])] : [],
    ),
    ...compareSecurity(container, objectAt(sidecar, 'securityContext'), refuse),
    ...comparePorts(container, objectsAt(sidecar, 'ports'), refuse),
    ...compareVariables(container, wanted, refuse),
    ...compareMounts(container, objectsAt(sidecar, 'volumeMounts'), refuse),
  ]
}

type Refuse = (part: string, value: string, allowed: string) => void

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0)

/** Which user it is, a platform may choose; that it is not root, it may not. */
const PLATFORM_CHOICES: ReadonlySet<string> = new Set(['runAsUser', 'runAsGroup'])

function compareSecurity(container: Container, wanted: JsonObject, refuse: Refuse): readonly JsonPatchOperation[] {
  const pointer = `${pointerOf(container)}/securityContext`
  const context = objectAt(container.raw, 'securityContext')
  const capabilities = objectAt(context, 'capabilities')
  if (context['privileged'] === true) refuse('securityContext.privileged', 'true', 'false')
  if (!isEmpty(member(capabilities, 'add'))) refuse('securityContext.capabilities.add', 'a value', 'none')
  if (![undefined, null, 'Default'].includes(context['procMount'] as string | undefined | null))
    refuse('securityContext.procMount', String(context['procMount']), 'Default')
  const missing = Object.entries(wanted).filter(([name, value]) => {
    const actual = member(context, name) ?? undefined
    if (actual !== undefined && !PLATFORM_CHOICES.has(name) && !isAsStrict(name, actual, value))
      refuse(`securityContext.${name}`, JSON.stringify(actual), JSON.stringify(value))
    return actual === undefined
  })
  if (isEmpty(member(container.raw, 'securityContext')))
    return [setMember(container.raw, pointerOf(container), 'securityContext', wanted)]
  return missing.map(([name, value]) => setMember(context, pointer, name, value))
}

/** OpenShift drops capabilities by name besides all of them. */
const isAsStrict = (name: string, actual: unknown, wanted: unknown): boolean =>
  name === 'capabilities' ? (listAt(actual as JsonObject, 'drop')?.includes('ALL') ?? false) : contains(actual, wanted)

function comparePorts(
  container: Container,
  wanted: readonly JsonObject[],
  refuse: Refuse,
): readonly JsonPatchOperation[] {
  const present = objectsAt(container.raw, 'ports')
  for (const port of present)
    if (!wanted.some((other) => isSame(port, other)))
      refuse('ports', JSON.stringify(port), `no other port than ${JSON.stringify(wanted)}`)
  return present.length > 0 ? [] : appendTo(container.raw, pointerOf(container), 'ports', wanted)
}

function compareVariables(
  container: Container,
  { sidecar, operatorVariables }: Wanted,
  refuse: Refuse,
): readonly JsonPatchOperation[] {
  const present = Map.groupBy(variablesOf(container), ({ name }) => name)
  const wanted = new Map((sidecar.env ?? []).map((variable) => [variable.name, variable]))
  const pointer = pointerOf(container)
  for (const name of present.keys()) {
    const isKnown = wanted.has(name) || FOREIGN_VARIABLES.has(name)
    // SECURITY: never a value that is not ours; variables hold passwords.
    if (!isKnown && !HARMLESS_PREFIXES.some((prefix) => name.startsWith(prefix)))
      refuse(`env[${name}]`, 'a value', 'no variable that neither injection nor the chart sets')
  }
  const corrections = [...wanted].flatMap(([name, variable]) => {
    const meansTheSame = sameness(variable)
    const different = (present.get(name) ?? []).filter((actual) => !meansTheSame(actual))
    if (operatorVariables.has(name))
      return different.map(
        ({ index }) => ({ op: 'replace', path: `${pointer}/env/${index}`, value: variable }) as const,
      )
    // SECURITY: whoever changed it may have written a password there.
    for (const { value } of different)
      refuse(
        `env[${name}]`,
        withoutSecrets(value ?? 'valueFrom'),
        `what its annotations give: ${variable.value ?? 'valueFrom'}`,
      )
    return []
  })
  const missing = [...wanted].filter(([name]) => !present.has(name)).map(([, variable]) => variable)
  return [...corrections, ...appendTo(container.raw, pointer, 'env', missing)]
}

/**
 * SECURITY: reads what is wanted once, and only when another text might mean it: a hostile sidecar has a variable thousands of times.
 * @returns whether a variable of this name means what is wanted.
 */
function sameness(wanted: V1EnvVar): (actual: Variable) => boolean {
  let meant: { readonly meaning: unknown } | undefined
  return ({ value, raw }) => {
    if (wanted.valueFrom) return contains(member(raw, 'valueFrom'), wanted.valueFrom)
    if (value === undefined || wanted.value === undefined || value === wanted.value) return value === wanted.value
    const read = MEANINGS.get(wanted.name)
    const actual = read?.(value)
    if (actual === undefined) return false
    meant ??= { meaning: read?.(wanted.value) }
    return isEqual(actual, meant.meaning)
  }
}

/** @returns what the sidecar reads of a value, undefined when that depends on another variable or is none. */
function meaningOf(parse: (text: string, variable: string, report: Report) => unknown): (value: string) => unknown {
  return (value) => {
    if (referencesOf(value).size > 0) return undefined
    const problems: Problem[] = []
    const parsed = parse(value.replaceAll('$$', '$'), '', (problem) => problems.push(problem))
    return problems.length > 0 ? undefined : parsed
  }
}

function compareMounts(
  container: Container,
  wanted: readonly JsonObject[],
  refuse: Refuse,
): readonly JsonPatchOperation[] {
  const present = objectsAt(container.raw, 'volumeMounts')
  const isWanted = isAmong(wanted)
  for (const mount of present) {
    const path = textAt(mount, 'mountPath') ?? ''
    // SECURITY: over the program, over what it trusts, or over its token.
    if (!FOREIGN_MOUNT_PATHS.has(path) && !isWanted(mount))
      refuse(`volumeMounts[${textAt(mount, 'name') ?? ''}]`, path, 'no mount that injection does not make')
  }
  const taken = new Set(present.map(({ mountPath }) => mountPath))
  const missing = wanted.filter((mount) => !taken.has(mount['mountPath']))
  return appendTo(container.raw, pointerOf(container), 'volumeMounts', missing)
}
