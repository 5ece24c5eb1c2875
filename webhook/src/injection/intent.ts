import type { V1EnvVar } from '@kubernetes/client-node'
import { LRUCache } from 'lru-cache'
import { isUsualRegion, sdkTaker, show, tokenWarnings } from '@aws-outbound-jwt-injector/proxy/contract'
import type { AnnotationName, AnnotationValues } from './annotations/annotations.ts'
import { PARTNER_ANNOTATIONS } from './annotations/annotations.ts'
import type { SidecarParts } from './sidecar/credentials.ts'
import { NO_CREDENTIALS, planCredentials } from './sidecar/credentials.ts'
import { planEgress } from './sidecar/egress.ts'
import { planInterception } from './sidecar/interception.ts'
import { planSteeredPorts } from './sidecar/steered-ports.ts'
import { planTokenFiles } from './sidecar/token-files.ts'
import type { Environment } from './application/environment.ts'
import { readEnvironment } from './application/environment.ts'
import type { RawAnnotations } from './annotations/raw-annotations.ts'
import { PREFIX, parseAnnotations } from './annotations/raw-annotations.ts'
import type { Refusals } from './outcome.ts'
import type { AskedFor } from './policy/reject-ungranted.ts'
import { placeOfRoute, planRoutes } from './annotations/routes.ts'
import type { PlannedRoute } from './annotations/routes-yaml.ts'
import type { PlannedTokenFile } from './annotations/token-files.ts'
import type { Steering } from './annotations/steering.ts'
import { readSteering } from './annotations/steering.ts'
import { wideWildcardWarnings } from './annotations/wide-wildcards.ts'
import type { InjectionSettings } from './settings.ts'
import { sidecarVariables } from './sidecar/sidecar.ts'
import { hashInputs } from './status.ts'

/** Everything that follows from the annotations of a pod alone, whatever the rest of it is. Shared between pods: never changed. */
export interface InjectionIntent {
  readonly values: AnnotationValues
  readonly environment: Environment
  /** What needs a grant where there is a policy. */
  readonly asked: AskedFor
  /** undefined where variables lead calls to the sidecar. */
  readonly steering: Steering | undefined
  /** Of the sidecar. */
  readonly variables: readonly V1EnvVar[]
  readonly mounts: SidecarParts['mounts']
  /** Of the pod. */
  readonly volumes: SidecarParts['volumes']
  /** Hash of the annotations. */
  readonly inputs: string
  /** Each one line. */
  readonly warnings: readonly string[]
}

/** Who asked for the injection: an annotation of the pod, or the label of its namespace. */
export type RequestedBy = 'pod' | 'namespace'

export type IntentReader = (annotations: RawAnnotations, mode: RequestedBy, refusals: Refusals) => InjectionIntent

/** Annotations of a few hundred workloads, as characters of JSON together; what was not used for longest makes room. */
const MOST_CHARACTERS = 256 * 1024

/** Creates the reader of annotations. The pods of a workload have the same ones, so what they mean is worked out once. */
export function createIntentReader(settings: InjectionSettings): IntentReader {
  const known = new LRUCache<string, InjectionIntent>({
    maxSize: MOST_CHARACTERS,
    sizeCalculation: (_, text) => text.length,
  })
  return (annotations, mode, refusals) => {
    const text = JSON.stringify([mode, ...annotations])
    const intent = known.get(text) ?? readIntent(annotations, mode, settings, refusals)
    // What is refused is told anew each time.
    if (refusals.reason() === undefined) known.set(text, intent)
    return intent
  }
}

function readIntent(
  annotations: RawAnnotations,
  mode: RequestedBy,
  settings: InjectionSettings,
  refusals: Refusals,
): InjectionIntent {
  rejectMissingInject(annotations, mode, refusals)
  const effective = mode === 'namespace' ? withDefaults(annotations, settings.defaults) : annotations
  const report = refusals.as('invalid-annotation')
  const values = parseAnnotations(effective, report)
  const routes = planRoutes(values, effective, settings.https, report)
  const files = values['token-files'] ?? []
  const steering = readSteeringOf({ routes, files }, settings, { values, annotations: effective, report })
  rejectNoPartner(effective, refusals)
  const intercepts = routes.some(({ route }) => route.https === 'intercept')
  const specs = [...routes.map(({ route }) => route), ...files.map(({ file }) => file)]
  const usesAws = specs.length === 0 || specs.some(({ source }) => source === 'aws')
  const egress = planEgress(values, settings, steering, report)
  // SECURITY: what could not be read may be a password, and was reported without being repeated.
  const hasNoEgress = !egress && values['egress-proxy-secret'] !== undefined
  rejectUseless({ routes, files, intercepts, usesAws, hasNoEgress }, annotations, refusals)
  const parts = [
    usesAws ? planCredentials(values['role-arn'], chooseRegion(values, settings, refusals)) : NO_CREDENTIALS,
    ...(intercepts ? [planInterception(values['extra-ca'])] : []),
    ...(steering ? [planSteeredPorts(steering)] : []),
    ...(files.length > 0 ? [planTokenFiles(files)] : []),
    ...(egress ? [egress] : []),
  ]
  const mounted = [...routes, ...files].flatMap((planned) => planned.mounted)
  return {
    values,
    asked: {
      routes: routes.map(({ route }) => route),
      files: files.map(({ file }) => file),
      roleArn: values['role-arn'],
      where: placeOfRoute(effective),
      whereOfFile: (index, field) => PREFIX + (field === 'role-arn' ? field : `token-files[${index}].${field}`),
    },
    environment: readEnvironment(values, { routes, files, steering }, refusals),
    steering,
    variables: sidecarVariables({ values, routes, parts }, settings.extraEnv),
    mounts: [...parts.flatMap(({ mounts }) => mounts), ...mounted.map(({ mount }) => mount)],
    volumes: [...parts.flatMap(({ volumes }) => volumes), ...mounted.map(({ volume }) => volume)],
    inputs: hashInputs(annotations),
    warnings: [...regionWarnings(values.region), ...warningsOf({ routes, files })],
  }
}

interface Uses extends Planned {
  readonly intercepts: boolean
  readonly usesAws: boolean
  /** A Secret for an egress proxy, and no egress proxy. */
  readonly hasNoEgress: boolean
}

/** Refuses annotations that would change nothing. A default of the operator is for those pods that have a use for it. */
function rejectUseless(uses: Uses, annotations: RawAnnotations, refusals: Refusals): void {
  const reject = (name: AnnotationName, without: string): void => rejectUnread(name, without, annotations, refusals)
  if (hasOnlyFiles(uses)) FOR_REQUESTS.forEach((name) => reject(name, 'a partner in hosts or routes'))
  if (uses.routes.length > 0 && !uses.intercepts) reject('extra-ca', 'https set to intercept for a partner')
  if (!uses.usesAws) reject('role-arn', 'a partner or token file whose token comes from source aws')
  if (uses.hasNoEgress) reject('egress-proxy-secret', 'egress-proxy')
}

interface Planned {
  readonly routes: readonly PlannedRoute[]
  readonly files: readonly PlannedTokenFile[]
}

const hasOnlyFiles = ({ routes, files }: Planned): boolean => routes.length === 0 && files.length > 0

/** No name leads to a sidecar that only writes files. */
function readSteeringOf(
  planned: Planned,
  { steering }: InjectionSettings,
  place: Parameters<typeof readSteering>[2],
): Steering | undefined {
  return hasOnlyFiles(planned) ? undefined : readSteering(planned.routes, steering, place)
}

/** Only a warning: AWS may name a region as it likes. */
const regionWarnings = (region: string | undefined): readonly string[] =>
  region === undefined || isUsualRegion(region)
    ? []
    : [`${PREFIX}region: no region of AWS is named like ${region} so far; where it is misspelt, no token can be had`]

function warningsOf({ routes, files }: Planned): readonly string[] {
  return [
    ...routes.flatMap(({ route }) => [
      ...tokenWarnings(route).map(({ found, hint }) => `${route.name}: ${found}. ${hint}`),
      ...wideWildcardWarnings(route),
    ]),
    ...files.flatMap(({ file }) =>
      tokenWarnings(file, file.sdk && sdkTaker(file.sdk)).map(
        ({ found, hint }) => `token file ${file.name}: ${found}. ${hint}`,
      ),
    ),
  ]
}

/** What nothing reads in a pod without partners. */
const FOR_REQUESTS: readonly AnnotationName[] = [
  ...PARTNER_ANNOTATIONS,
  'steering',
  'unmatched',
  'no-proxy',
  'extra-ca',
  'runtimes',
  'proxy-port',
]

/** A default names a partner only where the pod names none, so that no audience ever meets a host it was not made for. */
function withDefaults(annotations: RawAnnotations, defaults: InjectionSettings['defaults']): RawAnnotations {
  const partners: readonly string[] = [...PARTNER_ANNOTATIONS, 'routes']
  const names = ['hosts', 'audience', 'routes'].some((name) => annotations.has(name))
  const applicable = Object.entries(defaults).filter(([name]) => !(names && partners.includes(name)))
  return new Map<string, unknown>([...applicable, ...annotations])
}

function rejectMissingInject(annotations: RawAnnotations, mode: RequestedBy, { report }: Refusals): void {
  const [first] = annotations.keys()
  if (mode === 'pod' && first !== undefined && !annotations.has('inject'))
    report('missing-inject', {
      where: `${PREFIX}inject`,
      value: undefined,
      allowed: `'true' because of ${PREFIX}${first}; add it, or remove every annotation of ${PREFIX}`,
    })
}

function rejectNoPartner(annotations: RawAnnotations, { report }: Refusals): void {
  if (!['hosts', 'audience', 'routes', 'token-files'].some((name) => annotations.has(name)))
    report('no-audience', {
      where: `${PREFIX}hosts`,
      value: undefined,
      allowed: `at least one partner host, in ${PREFIX}hosts, ${PREFIX}audience or ${PREFIX}routes`,
    })
}

/** An annotation of the pod itself that nothing reads. @param reader what would read it. */
function rejectUnread(name: AnnotationName, reader: string, annotations: RawAnnotations, { report }: Refusals): void {
  const value = annotations.get(name)
  if (value !== undefined)
    report('invalid-annotation', {
      where: PREFIX + name,
      value: show(value),
      allowed: `no ${PREFIX}${name}, or ${reader}: nothing else reads it`,
    })
}

function chooseRegion(values: AnnotationValues, settings: InjectionSettings, { report }: Refusals): string | undefined {
  const region = values.region ?? settings.region ?? undefined
  if (values['role-arn'] !== undefined && region === undefined)
    report('missing-region', {
      where: `${PREFIX}region`,
      value: undefined,
      allowed: `an AWS region for ${PREFIX}role-arn, such as eu-central-1, here or in the chart`,
    })
  return region
}
